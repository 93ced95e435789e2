"""`hold start --from FILE` and `hold release --from FILE`: many proposals, with a preview and a result for each."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy.orm import Session

from db.engine import transaction
from services.answers import Document
from services.holds import bulk
from services.holds.bulk import Item, Outcome
from starter.cli import asking
from starter.cli.context import Context
from starter.cli.output import Column, console, err, plural, print_json, print_table, table

FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from", exists=True, dir_okay=False, help="A CSV file with the columns customer_id and reason: one each."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --from: only show what each line would do.")]

_STYLE = {Outcome.CREATED: "green", Outcome.REFUSED: "red", Outcome.FAILED: "bold red"}
_REFUSED, _UNREACHABLE = 1, 3


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
    asking.require_text(reason or "")
    return name, reason or ""


def start(context: Context, file: Path, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Propose a hold for each line of the file."""

    async def propose(items: Sequence[Item]) -> list[Item]:
        return await bulk.start(await context.operations(), items, actor=context.actor)

    _run(context, file, bulk.preview_start, propose, "Propose a hold", yes=yes, dry_run=dry_run, as_json=as_json)


def release(context: Context, file: Path, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Propose to release the hold of each line of the file."""

    async def propose(items: Sequence[Item]) -> list[Item]:
        return await bulk.release(await context.operations(), context.engine, items, actor=context.actor)

    _run(context, file, bulk.preview_release, propose, "Propose a release", yes=yes, dry_run=dry_run, as_json=as_json)


def _run(
    context: Context,
    file: Path,
    preview: Callable[[Session, Sequence[Item], datetime], list[Item]],
    propose: Callable[[Sequence[Item]], Coroutine[Any, Any, list[Item]]],
    what: str,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    if not (yes or dry_run or sys.stdin.isatty()):
        raise typer.BadParameter("nobody to ask here: look with --dry-run, then give --yes", param_hint="--yes")
    try:
        lines = bulk.read(file)
    except (bulk.BulkFileError, OSError) as error:
        raise typer.BadParameter(f"{file.name}: {error}", param_hint="--from") from None
    with transaction(context.engine) as session:
        items = preview(session, lines, datetime.now(UTC))
    if not (dry_run or yes):
        _show(items, err_too=True)
        if not typer.confirm(f"{what} for {plural(_wanted(items), 'customer')}?", err=True):
            err.print("Nothing was proposed.")
            return
    if not dry_run:
        items = asyncio.run(propose(items))
    if as_json:
        print_json(_document(file, items, dry_run=dry_run))
    else:
        _show(items, err_too=False)
    outcomes = {item.outcome for item in items}
    if Outcome.FAILED in outcomes:
        raise typer.Exit(_UNREACHABLE)
    if Outcome.REFUSED in outcomes:
        raise typer.Exit(_REFUSED)


def _wanted(items: Sequence[Item]) -> int:
    return sum(item.outcome in (Outcome.CREATED, Outcome.EVIDENCE_ADDED) for item in items)


def _sum(items: Sequence[Item]) -> Decimal:
    """What the customers of the file owe in all; a customer named twice counts once."""
    return sum({item.customer_id: item.total_open or Decimal(0) for item in items}.values(), Decimal(0))


def _counts(items: Sequence[Item]) -> dict[str, int]:
    found = [item.outcome for item in items]
    return {outcome.value: found.count(outcome) for outcome in Outcome if outcome in found}


def _document(file: Path, items: Sequence[Item], *, dry_run: bool) -> Document:
    return {
        "file": file.name,
        "dry_run": dry_run,
        "count": len(items),
        "total_open": str(_sum(items)),
        "counts": _counts(items),
        "items": [
            {
                "line": item.line,
                "customer_id": item.customer_id,
                "customer_name": item.customer_name,
                "total_open": str(item.total_open) if item.total_open is not None else None,
                "hold_id": str(item.hold_id) if item.hold_id else None,
                "outcome": item.outcome,
                "why": item.why,
            }
            for item in items
        ],
    }


def _show(items: Sequence[Item], *, err_too: bool) -> None:
    made = table(
        Column("Line", number=True, drop=1),
        "Customer",
        Column("Name", wraps=12, drop=3),
        Column("Open", number=True, drop=2),
        "Outcome",
        Column("Why", wraps=16, drop=4),
    )
    for item in items:
        made.add(
            str(item.line),
            item.customer_id,
            item.customer_name,
            f"{item.total_open:,.2f}" if item.total_open is not None else "",
            Text(item.outcome.replace("_", " "), _STYLE.get(item.outcome, "dim")),
            item.why or item.reason,
        )
    print_table(made, to=err if err_too else console)
    counts = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in _counts(items).items())
    err.print(f"{plural(len(items), 'line')}, {_sum(items):,.2f} open in all: {counts}", soft_wrap=True)
