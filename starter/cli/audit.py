"""`hold audit verify | export`: whether the audit trail is as it was written, and a copy of it."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer
from rich.text import Text

from starter.cli.commands import Answer, Commands, Ended
from starter.cli.context import open_desk
from starter.cli.errors import RefusedError
from starter.cli.output import console, err, plural, print_json

app = Commands(no_args_is_help=True, help="The audit trail: verify it, export it.")

_ALTERED = 1
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


@app.command()
def verify() -> Answer:
    """Check every row and the anchor file; exit 1 with the first bad row of each chain that was tampered with.

    It fails as well where the anchor file is gone, cut off or another one: what was anchored must still be there.
    """
    found = open_desk(patient=True).post("audit", "verify")
    yield Ended(found, 0 if found["intact"] else _ALTERED)
    anchors = found["anchors"]
    anchored = plural(anchors["heads"], "anchored head")
    console.print(f"{plural(found['rows'], 'row')} in {plural(found['chains'], 'chain')}, {anchored}.")
    for fault in found["faults"]:
        where = f" {fault['chain']}, row {fault['seq']}: "
        console.print(Text.assemble((fault["kind"], "red"), where, fault["problem"]))
    if found["bad_chains"] > len(found["faults"]):
        console.print(f"… and {found['bad_chains'] - len(found['faults']):,} more chains")
    if anchors["problem"]:
        console.print(Text.assemble(("the anchors: ", "red"), anchors["problem"]))
    if found["note"]:
        err.print(found["note"])
    if found["intact"] and anchors.get("recorded") and not anchors["heads"]:
        console.print(Text("intact, as far as it can be seen here", "yellow"))
    elif found["intact"]:
        console.print(Text("intact", "green"))


@app.command()
def export(
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines, or CSV.")] = "jsonl",
    hold: Annotated[
        str | None, typer.Option("--hold", metavar="ID", help="Only this hold's events; `system` for those of none.")
    ] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=_TIMES, help="From this time on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=_TIMES, help="Before this time, UTC.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Write to this file, not to stdout.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON document; with -o, print one that says what was written.")
    ] = False,
) -> None:
    """Write the audit trail, oldest first. JSON lines can be verified without this program.

    Within a chain, `prev_hash` is the `hash` of the row with the `seq` before (empty in the first), and `hash` is the
    SHA-256, in hex, of the JSON array of prev_hash, chain, seq, at, actor, action, detail, with `at` as a number of
    seconds since 1970, sorted keys, no spaces, and everything outside ASCII escaped. In Python:

    json.dumps(array, sort_keys=True, separators=(",", ":")), `at` being datetime.fromisoformat(at).timestamp()

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.

    --json writes one document, {"events": …}, a list of the same lines; with -o it prints {"output", "format",
    "bytes"}.
    """
    if as_json and output is None and form != "jsonl":
        raise typer.BadParameter("--json is no CSV: leave one out, or name a file with -o")
    times = {"from": _utc(since), "to": _utc(until)}
    pieces = open_desk().download("audit", "export", format=form, hold=hold, **times)
    first = next(pieces, "")  # a refusal leaves a file that is there alone
    pieces = chain([first], pieces)
    with _opened(output) as file:
        for piece in _one_document(pieces) if as_json and output is None else pieces:
            file.write(piece)
    if as_json and output is not None:
        print_json({"output": str(output.absolute()), "format": form, "bytes": output.stat().st_size})


def _one_document(pieces: Iterable[str]) -> Iterator[str]:
    """Make one JSON document of JSON lines that come in pieces, however many they are."""
    yield '{"events": ['
    begun, between = "", ""
    for piece in pieces:
        *lines, begun = (begun + piece).split("\n")
        for line in lines:
            yield f"{between}\n{line}"
            between = ","
    yield "\n]}\n"


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise RefusedError(f"{output} cannot be written: {error.strerror}; name another file with -o") from error
