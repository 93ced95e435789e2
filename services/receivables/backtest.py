"""Whom a changed policy would propose, beside today's: the scan's query under both, and nothing is written."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from credit import policy_change
from db import policies
from db.errors import BadInputError
from db.receivables import backtest
from db.receivables.receivables import Candidate

_CANDIDATE: dict[str, Any] = {
    "customer_id": "1012",
    "customer_name": "Harbour Foods Ltd",
    "total_open": "40000.00",
    "days_overdue": 120,
    "warnings": [],
    "prior_holds": 0,
}


class BacktestCandidate(BaseModel):
    """A customer that one of the policies would propose. Amounts are strings."""

    customer_id: str
    customer_name: str
    total_open: str
    days_overdue: int
    warnings: list[str]
    prior_holds: int


class Backtest(BaseModel):
    """The candidates of one day under two policies, each in the order of customer ids."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "as_of": "2027-03-01",
                    "changed": {"trigger_days_overdue": [90, 60]},
                    "candidates_today": [],
                    "candidates_changed": [_CANDIDATE],
                    "only_today": [],
                    "only_changed": ["1012"],
                }
            ]
        },
    )

    as_of: date
    changed: dict[str, tuple[Any, Any]]
    """Field of the policy -> its value today, and the changed one."""
    candidates_today: list[BacktestCandidate]
    candidates_changed: list[BacktestCandidate]
    only_today: list[str]
    """Whom the changed policy would leave alone: their ids."""
    only_changed: list[str]


def run(session: Session, as_of: date, changes: Mapping[str, Any], now: datetime) -> Backtest:
    """Return whom the scan would propose on a day, today and with these fields of the policy changed.

    Raises:
        BadInputError: the policy cannot be changed so.
    """
    today = policies.current(session)[1]
    try:
        changed = policy_change.apply(today, changes)
    except policy_change.PolicyChangeError as error:
        raise BadInputError(str(error)) from None
    found = backtest.run(session, as_of, today=today, changed=changed, now=now)
    return Backtest(
        as_of=as_of,
        changed=policy_change.differences(today, changed),
        candidates_today=_candidates(found.today),
        candidates_changed=_candidates(found.changed),
        only_today=[one.customer_id for one in found.only_today],
        only_changed=[one.customer_id for one in found.only_changed],
    )


def _candidates(found: Sequence[Candidate]) -> list[BacktestCandidate]:
    return [
        BacktestCandidate(
            customer_id=one.customer_id,
            customer_name=one.customer_name,
            total_open=str(one.facts.total_open),
            days_overdue=one.facts.days_overdue,
            warnings=one.warnings,
            prior_holds=one.facts.prior_holds,
        )
        for one in found
    ]
