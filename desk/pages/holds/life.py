"""What has happened to a hold since it was approved, and what is set for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from credit.hold import PriorHold
from credit.outcomes import Outcome, day_ends
from credit.policy import Policy
from db import audit
from db.holds import drift, hold_page, outcomes, prior_holds
from db.models import Hold, HoldException, NetSuiteDrift, PaymentPlanInstalment, PromiseToPay
from db.receivables import customer_page, payment_plans
from desk.pages.holds.timeline import Happened, told

_OUTCOMES = frozenset(Outcome)


@dataclass(frozen=True)
class Life:
    """Everything beside the decision and the beats."""

    held_before: list[PriorHold]
    """The customer's earlier holds that had come into force, the newest first."""
    exceptions: list[HoldException]
    over: set[HoldException]
    """Those of them that do not count any more."""
    outcomes: list[Happened]
    """The newest first."""
    promises: Sequence[PromiseToPay]
    instalments: Sequence[PaymentPlanInstalment]
    """Of the active plan."""
    drift: NetSuiteDrift | None
    """What NetSuite says differently, for as long as it does."""
    gaps: list[str]
    """What NetSuite would let through in spite of the hold, or block after it, as last seen."""


def read(session: Session, hold: Hold, policy: Policy, now: datetime) -> Life:
    exceptions = outcomes.exceptions_of(session, hold.id)
    plan = payment_plans.active_of(session, hold.customer_id, lock=False)
    happened = [event for event in audit.chain_of(session, hold.id) if event.action in _OUTCOMES]
    return Life(
        held_before=prior_holds.of_customer(session, hold.customer_id, before=hold.proposed_at),
        exceptions=exceptions,
        over={row for row in exceptions if row.ended_at is not None or now >= day_ends(row.until, policy.calendar)},
        outcomes=told(happened),
        promises=customer_page.promises(session, hold.customer_id),
        instalments=payment_plans.instalments(session, plan.id) if plan else [],
        drift=hold_page.standing_drift(session, hold.id),
        gaps=drift.gaps_of(session, hold.customer.netsuite_id),
    )
