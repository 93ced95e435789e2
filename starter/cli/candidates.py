"""Whom a scan would propose: as a table, as JSON, and beside whom a changed policy would."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from credit import policy_change
from credit.policy import Policy
from db.engine import transaction
from db.receivables import backtest
from db.receivables.backtest import Backtest
from db.receivables.receivables import Candidate
from starter.cli.context import Context
from starter.cli.output import Cell, Column, Table, err, plural, print_json, print_table


def backtest_policy(context: Context, file: Path, day: date, *, as_json: bool) -> None:
    """List whom the policy changed by `file` would propose on `day`, beside today's."""
    today = context.policy()
    changed = _changed(today, file)
    with transaction(context.engine) as session:
        found = backtest.run(session, day, today=today, changed=changed, now=datetime.now(UTC))
    differences = policy_change.differences(today, changed)
    if as_json:
        print_json(
            {
                "as_of": day.isoformat(),
                "changed": differences,
                "candidates_today": [document(one) for one in found.today],
                "candidates_changed": [document(one) for one in found.changed],
                "only_today": [one.customer_id for one in found.only_today],
                "only_changed": [one.customer_id for one in found.only_changed],
            }
        )
        return
    for name, (before, after) in differences.items():
        err.print(f"{name}: {before} → {after}")
    if found.only_today or found.only_changed:
        print_table(_differing(found))
    err.print(
        f"As of {day}: {plural(len(found.today), 'customer')} would be proposed today, {len(found.changed):,} under "
        f"the changed policy: {len(found.only_changed):,} new, {len(found.only_today):,} no longer.",
        soft_wrap=True,
    )


def _changed(today: Policy, file: Path) -> Policy:
    try:
        changes = json.loads(file.read_text("utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file.name} is not readable as JSON: {error}", param_hint="--policy") from None
    if not isinstance(changes, dict):
        raise typer.BadParameter('give a JSON object like {"trigger_days_overdue": 120}', param_hint="--policy")
    try:
        return policy_change.apply(today, changes)
    except policy_change.PolicyChangeError as error:
        raise typer.BadParameter(f"{file.name}: {error}", param_hint="--policy") from None


def document(candidate: Candidate) -> dict[str, Any]:
    """Return a candidate as JSON."""
    return {
        "customer_id": candidate.customer_id,
        "customer_name": candidate.customer_name,
        "total_open": str(candidate.facts.total_open),
        "days_overdue": candidate.facts.days_overdue,
        "warnings": candidate.warnings,
        "prior_holds": candidate.facts.prior_holds,
    }


def table(found: list[Candidate]) -> Table:
    """Return candidates as a table; there must be one at least."""
    made = _columns(found[0])
    for candidate in found:
        made.add(*_cells(candidate))
    return made


def _differing(found: Backtest) -> Table:
    """Return only those whom the two policies treat differently."""
    new, gone = found.only_changed, found.only_today
    made = _columns((new or gone)[0], Column("Policy"))
    for candidates, words in ((new, Text("only changed", "red")), (gone, Text("only today", "green"))):
        for candidate in candidates:
            made.add(*_cells(candidate), words)
    return made


def _columns(first: Candidate, *more: Column) -> Table:
    return Table(
        [
            Column("Customer"),
            Column("Name", wraps=12, drop=1),
            Column(f"Open {first.facts.currency}", number=True),
            Column("Overdue", number=True),
            Column("Prior holds", number=True, drop=3),
            Column("Warnings", wraps=14, drop=2),
            *more,
        ]
    )


def _cells(candidate: Candidate) -> list[Cell]:
    facts = candidate.facts
    return [
        candidate.customer_id,
        candidate.customer_name,
        f"{facts.total_open:,.2f}",
        f"{facts.days_overdue} d",
        str(facts.prior_holds or ""),
        Text("; ".join(candidate.warnings), "yellow"),
    ]
