"""Whom a changed policy would propose, beside today's. Nothing is written."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from credit.policy import Policy
from db.receivables import receivables
from db.receivables.receivables import Candidate


@dataclass(frozen=True)
class Backtest:
    """The candidates of one day under two policies, each in the order of customer ids."""

    as_of: date
    today: list[Candidate]
    changed: list[Candidate]

    @property
    def only_today(self) -> list[Candidate]:
        """Whom the changed policy would leave alone."""
        return _without(self.today, self.changed)

    @property
    def only_changed(self) -> list[Candidate]:
        """Whom only the changed policy would propose."""
        return _without(self.changed, self.today)


def run(session: Session, as_of: date, *, today: Policy, changed: Policy, now: datetime) -> Backtest:
    """Ask the scan's query under both policies, once each.

    Args:
        as_of: the day the receivables are looked at.
        today: the policy in force.
        changed: what it might become.
        now: the aware time against which snooze and grace run.
    """
    return Backtest(
        as_of,
        receivables.candidates(session, as_of, today, now=now),
        receivables.candidates(session, as_of, changed, now=now),
    )


def _without(some: list[Candidate], others: list[Candidate]) -> list[Candidate]:
    known = {candidate.customer_id for candidate in others}
    return [candidate for candidate in some if candidate.customer_id not in known]
