"""Whom a scan would propose: as a table, as JSON, and beside whom a changed policy would."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import typer
from rich.text import Text

from starter.cli.commands import Answer
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.errors import RefusedError
from starter.cli.output import Cell, Column, Table, err, plural, print_table


def list_candidates(day: date) -> Answer:
    """List whom the scan would propose on `day`."""
    desk = open_desk()
    document = desk.whole_list("ar-aging", "candidates", as_of=day)
    found = document["candidates"]
    yield document
    if found:
        made = _table(_currency())
        for candidate in found:
            made.add(*_cells(candidate))
        print_table(made)
    err.print(f"{plural(len(found), 'customer')} would be proposed as of {day}.")


def backtest_policy(file: Path, day: date) -> Answer:
    """List whom the policy changed by `file` would propose on `day`, beside today's."""
    try:
        found = open_desk().post("ar-aging", "backtest", as_of=day, changes=_changes(file))
    except RefusedError as error:
        if error.code != "bad_input":
            raise
        raise typer.BadParameter(f"{file.name}: {error}", param_hint="--policy") from None
    yield found
    for name, (before, after) in found["changed"].items():
        err.print(f"{name}: {before} → {after}")
    only_today, only_changed = found["only_today"], found["only_changed"]
    if only_today or only_changed:
        print_table(_differing(found))
    counts = [len(found["candidates_today"]), len(found["candidates_changed"])]
    err.print(
        f"As of {day}: {plural(counts[0], 'customer')} would be proposed today, {counts[1]:,} under "
        f"the changed policy: {len(only_changed):,} new, {len(only_today):,} no longer.",
        soft_wrap=True,
    )


def _changes(file: Path) -> Document:
    try:
        changes = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file.name} is not readable as JSON: {error}", param_hint="--policy") from None
    if not isinstance(changes, dict):
        raise typer.BadParameter('give a JSON object like {"trigger_days_overdue": 120}', param_hint="--policy")
    return changes


def _differing(found: Document) -> Table:
    """Return only those whom the two policies treat differently."""
    made = _table(_currency(), Column("Policy"))
    for which, words in (("changed", Text("only changed", "red")), ("today", Text("only today", "green"))):
        ids = set(found[f"only_{which}"])
        for candidate in found[f"candidates_{which}"]:
            if candidate["customer_id"] in ids:
                made.add(*_cells(candidate), words)
    return made


def _currency() -> str:
    return str(open_desk().get("policy")["policy"]["ledger_currency"])


def _table(currency: str, *more: Column) -> Table:
    return Table(
        [
            Column("Customer"),
            Column("Name", wraps=12, drop=1),
            Column(f"Open {currency}", number=True),
            Column("Overdue", number=True),
            Column("Prior holds", number=True, drop=3),
            Column("Warnings", wraps=14, drop=2),
            *more,
        ]
    )


def _cells(candidate: Document) -> Sequence[Cell]:
    return [
        candidate["customer_id"],
        candidate["customer_name"],
        f"{Decimal(candidate['total_open']):,.2f}",
        f"{candidate['days_overdue']} d",
        str(candidate["prior_holds"] or ""),
        Text("; ".join(candidate["warnings"]), "yellow"),
    ]
