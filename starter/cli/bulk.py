"""`hold start --from FILE` and `hold release --from FILE`: many proposals, with a preview and a result for each."""

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from credit import bulk
from credit.bulk import BulkFile, Outcome
from credit.wording import words
from starter.cli import asking
from starter.cli.commands import Answer, Ended
from starter.cli.context import open_desk
from starter.cli.desk_client import DeskClient, Document
from starter.cli.errors import REFUSED, UNREACHABLE
from starter.cli.output import Column, console, err, figure, filled, plural, print_table

FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from", exists=True, dir_okay=False, help="A CSV file with the columns customer_id and reason: one each."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --from: only show what each line would do.")]

_AT_ONCE = 100
"""Lines in one request."""
_STYLE = {Outcome.CREATED: "green", Outcome.REFUSED: "red", Outcome.FAILED: "bold red"}
_COLUMNS = (
    Column("Line", "line", number=True, drop=1),
    Column("Customer", "customer_id"),
    Column("Name", "customer_name", wraps=12, drop=3),
    Column("Open", lambda item: figure(item["total_open"]), number=True, drop=2),
    Column("Outcome", lambda item: Text(words(item["outcome"]), _STYLE.get(item["outcome"], "dim"))),
    Column("Why", lambda item: item["why"] or item["reason"], wraps=16, drop=4),
)


def one_or_file(
    name: str | None, reason: str | None, file: Path | None, *, yes: bool, dry_run: bool
) -> tuple[str, str]:
    """Return the one customer (or hold) and the reason given; both are empty where a file is given instead.

    Raises:
        BadParameter: neither of the two, or both.
    """
    if file is not None:
        if name is not None or reason is not None:
            raise typer.BadParameter("give one customer and --reason, or a file that has both", param_hint="--from")
        return "", ""
    if yes or dry_run:
        raise typer.BadParameter("only with --from", param_hint="--yes" if yes else "--dry-run")
    if name is None:
        raise typer.BadParameter("give a customer, or many with --from", param_hint="customer")
    return name, asking.require_text(reason or "")


def propose(what: str, question: str, file: Path, *, yes: bool, dry_run: bool) -> Answer:
    """Propose something for each line of the file: `holds`, or `releases`."""
    if not (yes or dry_run or sys.stdin.isatty()):
        raise typer.BadParameter("nobody to ask here: look with --dry-run, then give --yes", param_hint="--yes")
    lines = _read(file)
    desk = open_desk(patient=True)
    items = _ask(desk, what, lines, dry_run=True)
    if not (dry_run or yes):
        _show(items, err_too=True)
        if not typer.confirm(f"{question} for {plural(_wanted(items), 'customer')}?", err=True):
            err.print("Nothing was proposed.")
            return
    if not dry_run:
        items = _ask(desk, what, lines, dry_run=False)
    outcomes = {item["outcome"] for item in items}
    code = UNREACHABLE if Outcome.FAILED in outcomes else REFUSED if Outcome.REFUSED in outcomes else 0
    yield Ended(_document(file, items, dry_run=dry_run), code)
    _show(items, err_too=False)


def _read(file: Path) -> BulkFile:
    try:
        return bulk.read(file.read_bytes())
    except (bulk.BulkFileError, OSError) as error:
        raise typer.BadParameter(f"{file.name}: {error}", param_hint="--from") from None


def _ask(desk: DeskClient, what: str, file: BulkFile, *, dry_run: bool) -> list[Document]:
    """Send the lines some at a time; after one that failed the rest is left alone."""
    done: list[Document] = []
    for at in range(0, len(file.lines), _AT_ONCE):
        some = [vars(one) for one in file.lines[at : at + _AT_ONCE]]
        if any(item["outcome"] == Outcome.FAILED for item in done):
            unknown = {"customer_name": None, "total_open": None, "hold_id": None, "why": ""}
            done += [one | unknown | {"outcome": Outcome.NOT_TRIED} for one in some]
            continue
        made = desk.post("bulk", what, file=file.name, lines=some, dry_run=dry_run)["items"]
        done += [one | item for one, item in zip(some, made, strict=True)]
    return done


def _wanted(items: Sequence[Document]) -> int:
    return sum(item["outcome"] in (Outcome.CREATED, Outcome.EVIDENCE_ADDED) for item in items)


def _sum(items: Sequence[Document]) -> Decimal:
    """What the customers of the file owe in all; a customer named twice counts once."""
    return sum({item["customer_id"]: Decimal(item["total_open"] or 0) for item in items}.values(), Decimal(0))


def _counts(items: Sequence[Document]) -> dict[str, int]:
    found = [item["outcome"] for item in items]
    return {outcome.value: found.count(outcome) for outcome in Outcome if outcome in found}


def _document(file: Path, items: Sequence[Document], *, dry_run: bool) -> Document:
    return {
        "file": file.name,
        "dry_run": dry_run,
        "count": len(items),
        "total_open": str(_sum(items)),
        "counts": _counts(items),
        "items": [{name: value for name, value in item.items() if name != "reason"} for item in items],
    }


def _show(items: Sequence[Document], *, err_too: bool) -> None:
    print_table(filled(_COLUMNS, items), to=err if err_too else console)
    counts = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in _counts(items).items())
    err.print(f"{plural(len(items), 'line')}, {_sum(items):,.2f} open in all: {counts}", soft_wrap=True)
