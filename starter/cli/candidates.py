"""Whom a scan would propose: as a table, as JSON, and beside whom a changed policy would."""

import json
from datetime import date
from pathlib import Path

import typer
from rich.text import Text

from starter.cli.commands import Answer
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.errors import RefusedError
from starter.cli.output import Column, Table, err, figure, filled, plural, print_list, print_table


def list_candidates(day: date) -> Answer:
    """List whom the scan would propose on `day`."""
    desk = open_desk()
    document = desk.whole_list("ar-aging", "candidates", as_of=day)
    found = document["candidates"]
    yield document
    if found:
        print_list(_columns(), found)
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
    rows = []
    for which, words in (("changed", Text("only changed", "red")), ("today", Text("only today", "green"))):
        ids = set(found[f"only_{which}"])
        rows += [one | {"which": words} for one in found[f"candidates_{which}"] if one["customer_id"] in ids]
    return filled(_columns(Column("Policy", lambda candidate: candidate["which"])), rows)


def _columns(*more: Column) -> list[Column]:
    currency = open_desk().get("policy")["policy"]["ledger_currency"]
    return [
        Column("Customer", "customer_id"),
        Column("Name", "customer_name", wraps=12, drop=1),
        Column(f"Open {currency}", lambda candidate: figure(candidate["total_open"]), number=True),
        Column("Overdue", lambda candidate: f"{candidate['days_overdue']} d", number=True),
        Column("Prior holds", lambda candidate: str(candidate["prior_holds"] or ""), number=True, drop=3),
        Column("Warnings", lambda candidate: Text("; ".join(candidate["warnings"]), "yellow"), wraps=14, drop=2),
        *more,
    ]
