"""What may propose a hold, which warnings a proposal carries, and which automatic triggers are turned away."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from credit.credit_hold import BlockSource
from credit.credit_limit import LimitState, crossing
from credit.facts import Facts
from credit.policy import Policy
from credit.wording import Labelled, counted


class TriggerKind(Labelled):
    """Where a proposal comes from (service-hold spec, trigger conditions)."""

    AR_AGING = "ar_aging_tick_threshold", "AR aging"
    CREDIT_LIMIT = "credit_limit_exceeded"
    CUSTOMER_HEALTH = "customer_health_prediction"
    REPEATED_DISPUTES = "repeated_disputes"
    MANUAL = "manual", "by hand"


class ReasonClass(Labelled):
    """What a hold rests on. Only `delinquency` says that the customer pays late."""

    DELINQUENCY = "delinquency", "delinquency"
    CREDIT_LIMIT = "credit_limit", "an exceeded credit limit, not delinquency"
    MANUAL = "manual", "a person’s word"
    DISPUTE_PATTERN = "dispute_pattern", "repeated disputes, not delinquency"
    PREDICTION = "prediction", "a predicted risk, not delinquency"


_CLASS_OF = {
    TriggerKind.AR_AGING: ReasonClass.DELINQUENCY,
    TriggerKind.CREDIT_LIMIT: ReasonClass.CREDIT_LIMIT,
    TriggerKind.MANUAL: ReasonClass.MANUAL,
    TriggerKind.REPEATED_DISPUTES: ReasonClass.DISPUTE_PATTERN,
    TriggerKind.CUSTOMER_HEALTH: ReasonClass.PREDICTION,
}


def reason_class(kinds: Collection[TriggerKind]) -> ReasonClass:
    """Return what a hold with these triggers rests on: the strongest ground, in the order of `ReasonClass`."""
    found = {_CLASS_OF[kind] for kind in kinds}
    return next((ground for ground in ReasonClass if ground in found), ReasonClass.MANUAL)


class Trigger(BaseModel):
    """One reason to propose a hold. `id` makes a repeated delivery harmless."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: TriggerKind
    reason: str
    actor: str
    at: AwareDatetime
    as_of: date | None = None
    """The day whose receivables the trigger looked at, where it was not the day of `at`."""
    adopt_prior: str | None = None
    """What the hold's release is to write, where NetSuite has the customer ON already: the hold is adopted."""

    @property
    def as_of_shift_days(self) -> int:
        """Days between the trigger's own day and the day it looked at: 0 but for a scan of an older ledger."""
        return (self.as_of - self.at.date()).days if self.as_of else 0


class Admission(StrEnum):
    """Whether a trigger may open a proposal, or why not."""

    ADMITTED = "admitted"
    SNOOZED = "snoozed after a decline"
    IN_GRACE = "in the grace after a release"
    EXEMPT = "exempt from automatic holds"
    BELOW_THRESHOLD = "no longer above the AR aging threshold"
    LIMIT_MET = "within the credit limit again"


class Disposition(StrEnum):
    """What an AR aging scan makes of a customer above the threshold."""

    PROPOSED = "proposed"
    OPEN_HOLD = "open_hold"
    SNOOZED = "snoozed"
    IN_GRACE = "in_grace"
    EXEMPT = "exempt"
    NO_LONGER_DUE = "no_longer_due"
    """Paid, or held by somebody else, between the query and the proposal."""
    UNANSWERED = "unanswered"
    """Its workflow did not answer in time. The scan went on; the trigger is told to it until it arrives."""


class Ending(BaseModel):
    """How a customer's last hold ended: what admission looks at."""

    declined: bool
    """True for a decline, False for a release."""
    at: AwareDatetime
    total_open: Decimal
    """What was open then: when the decision took effect, or as it was shown where nobody decided."""


def quiet_after(policy: Policy, *, declined: bool) -> tuple[timedelta, Decimal]:
    """Return for how long automatic triggers stay away after an ending, and the growth that lets them pass earlier.

    The growth is a share of what was open at the ending.
    """
    if declined:
        return policy.decline_snooze, policy.worsened_share
    return policy.release_grace, policy.release_grace_worsened_share


def crosses_threshold(facts: Facts, policy: Policy) -> bool:
    """Whether AR aging proposes a hold: `days_overdue > 90 AND total_open > 25000` (service-hold spec)."""
    return facts.days_overdue > policy.trigger_days_overdue and facts.total_open > policy.trigger_total_open


def warnings(facts: Facts, policy: Policy) -> list[str]:
    """Return what an approver should know first. Preconditions warn and never block (service-hold spec)."""
    found = _credit_hold_warnings(facts)
    if facts.days_overdue < policy.warn_days_overdue:
        found.append(f"borderline: {facts.days_overdue} days overdue, usual minimum is {policy.warn_days_overdue}")
    if facts.ar_balance < policy.warn_ar_balance:
        found.append(
            f"borderline: balance {facts.ar_balance:,.2f} {facts.currency}, "
            f"usual minimum is {policy.warn_ar_balance:,.2f}"
        )
    if facts.open_disputes:
        disputes = counted(facts.open_disputes, "open dispute")
        found.append(f"{disputes}, {facts.disputed_amount:,.2f} {facts.currency} disputed")
    if facts.payment_plan:
        found.append("on a payment plan")
    if facts.promised_for:
        found.append(f"promised to pay {facts.promised_amount:,.2f} {facts.currency} by {facts.promised_for}")
    if facts.broken_promises:
        found.append(counted(facts.broken_promises, "broken promise to pay", "broken promises to pay"))
    if facts.prior_holds:
        found.append(counted(facts.prior_holds, "prior hold"))
    if facts.exempt_until:
        found.append(f"exempt from automatic holds until {facts.exempt_until}")
    return found


def _credit_hold_warnings(facts: Facts) -> list[str]:
    found = []
    if facts.limit_state is LimitState.EXCEEDED and facts.exposure is not None:
        found.append(f"{crossing(facts.limit_state, facts.credit_limit, facts.exposure)} {facts.currency}")
    if facts.blocked_by:
        found.append(f"on credit hold already: {', '.join(source.label for source in facts.blocked_by)}")
    return found


def admit(kind: TriggerKind, facts: Facts, last: Ending | None, now: datetime, policy: Policy) -> Admission:
    """Decide whether a trigger may open a proposal (docs/decisions/0004).

    A person's trigger always passes. AR aging's must still be above its threshold, the credit limit's still beyond the
    limit. Every automatic one never meets an exempt customer, and waits out the snooze after a decline and the grace
    after a release, unless `total_open` grew by the policy's share meanwhile; but what auto-apply has put on credit
    hold is always proposed, so that no customer is blocked without anybody being asked. An expired proposal does not
    snooze. The set-based scan applies the same rule in SQL: `db/receivables/admission.py`.
    """
    if kind is TriggerKind.MANUAL:
        return Admission.ADMITTED
    if kind is TriggerKind.AR_AGING and not crosses_threshold(facts, policy):
        return Admission.BELOW_THRESHOLD
    if kind is TriggerKind.CREDIT_LIMIT and facts.limit_state is LimitState.ACCEPTABLE:
        return Admission.LIMIT_MET
    if facts.exempt_until is not None:
        return Admission.EXEMPT
    is_applied = kind is TriggerKind.CREDIT_LIMIT and BlockSource.AUTO_APPLY in facts.blocked_by
    if last is None or is_applied:
        return Admission.ADMITTED
    quiet, share = quiet_after(policy, declined=last.declined)
    if now >= last.at + quiet or _grew(kind, facts, last, share):
        return Admission.ADMITTED
    return Admission.SNOOZED if last.declined else Admission.IN_GRACE


def _grew(kind: TriggerKind, facts: Facts, last: Ending, share: Decimal) -> bool:
    """Whether so much more is open than at the ending. What rests on no debt needs a real growth: 0 is not above 0."""
    enough = facts.total_open >= last.total_open * (1 + share)
    return enough and (kind is TriggerKind.AR_AGING or facts.total_open > last.total_open)
