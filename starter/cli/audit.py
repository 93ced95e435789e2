"""`hold audit verify | export`: whether the audit trail is as it was written, and a copy of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.text import Text

from credit.permissions import Permission
from db.engine import transaction
from db.errors import BadInputError
from services import audit_trail
from services.answers import Document
from services.audit_trail import ExportFormat
from starter.cli.context import open_context
from starter.cli.output import console, err, plural, print_json

app = typer.Typer(no_args_is_help=True)

_ALTERED = 1
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


@app.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check every row and the anchor file; exit 1 with the first bad row of each chain that was tampered with."""
    context = open_context()
    context.require(Permission.READ_AUDIT)
    found = audit_trail.verify(context.engine, context.settings.anchor_file).document()
    if as_json:
        print_json(found)
    else:
        _tell(found)
    if not found["intact"]:
        raise typer.Exit(_ALTERED)


def _tell(found: Document) -> None:
    anchors = found["anchors"]
    anchored = plural(anchors["heads"], "anchored head")
    console.print(f"{plural(found['rows'], 'row')} in {plural(found['chains'], 'chain')}, {anchored}.")
    for fault in found["faults"]:
        where = f" {fault['chain']}, row {fault['seq']}: "
        console.print(Text.assemble((fault["kind"], "red"), where, fault["problem"]))
    if found["bad_chains"] > len(found["faults"]):
        console.print(f"… and {found['bad_chains'] - len(found['faults']):,} more chains")
    if anchors["problem"]:
        console.print(Text.assemble(("the anchor file was changed ", "red"), anchors["problem"]))
    if found["note"]:
        err.print(found["note"])
    if found["intact"]:
        console.print(Text("intact", "green"))


@app.command()
def export(
    form: Annotated[ExportFormat, typer.Option("--format", help="JSON lines, or CSV.")] = ExportFormat.JSONL,
    hold: Annotated[
        str | None, typer.Option("--hold", metavar="ID", help="Only this hold's events; `system` for those of none.")
    ] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=_TIMES, help="From this time on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=_TIMES, help="Before this time, UTC.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Write to this file, not to stdout.")
    ] = None,
) -> None:
    """Write the audit trail, oldest first. JSON lines can be verified without this program.

    Within a chain, `prev_hash` is the `hash` of the row with the `seq` before (empty in the first), and `hash` is the
    SHA-256, in hex, of the JSON array of prev_hash, chain, seq, at, actor, action, detail, with `at` as a number of
    seconds since 1970, sorted keys, no spaces, and everything outside ASCII escaped. In Python:

    json.dumps(array, sort_keys=True, separators=(",", ":")), `at` being datetime.fromisoformat(at).timestamp()

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    context = open_context()
    context.require(Permission.READ_AUDIT)
    chain = None
    if hold is not None:
        with transaction(context.engine) as session:
            chain = audit_trail.chain_named(session, hold)
    pieces = audit_trail.export(context.engine, form, chain=chain, since=_utc(since), until=_utc(until))
    with _opened(output) as file:
        for piece in pieces:
            file.write(piece)


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
        raise BadInputError(f"{output} cannot be written: {error.strerror}; name another file with -o") from error
