"""What can happen while a hold is in force, and what follows.

What follows depends on how things stand, never on the order in which they came: two situations are compared, the one
that was seen last and the one of now, however many events lie between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from credit.calendar import Calendar
from credit.credit_limit import LimitState
from credit.events import PlanStatus
from credit.facts import Facts
from credit.policy import Policy
from credit.states import ReleaseCause
from credit.triggers import TriggerKind, crosses_threshold

LOOK_AGAIN = timedelta(days=1)
"""A hold in force is looked at this often at least: an import of receivables tells nobody."""


class Outcome(StrEnum):
    """What happened: the action in the audit trail."""

    PAID_IN_FULL = "paid_in_full"
    PART_PAID = "part_paid"
    CAUSE_GONE = "cause_gone"
    """Something is still open, but AR aging would not propose the hold any more."""
    PLAN_AGREED = "plan_agreed"
    PLAN_KEPT = "plan_kept"
    INSTALMENT_MISSED = "instalment_missed"
    PROMISE_MADE = "promise_made"
    PROMISE_KEPT = "promise_kept"
    PROMISE_BROKEN = "promise_broken"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"
    OVERRIDDEN = "overridden"
    END_DATE_REACHED = "end_date_reached"
    REVIEW_DUE = "review_due"
    EXCEPTION_ENDED = "exception_ended"


class ScheduledDate(StrEnum):
    """A day that people set for a hold in force."""

    END = "end_date"
    """On this day its release is proposed."""
    REVIEW = "review_date"
    """On this day somebody should look at it again."""


class ExceptionScope(StrEnum):
    """What one exception lets through in spite of the hold."""

    ORDER = "order"
    LOAD = "load"


class Consequence(StrEnum):
    """What an outcome does beside its line in the timeline."""

    NOTHING = "nothing"
    PROPOSE_RELEASE = "propose_release"
    RELEASE = "release"
    """Without a person: only where the policy says so, and only for money that came (`PAID_IN_FULL`)."""


class Situation(BaseModel):
    """How things stand with a customer whose hold is in force. The counts are over the customer's whole record."""

    model_config = ConfigDict(frozen=True)

    facts: Facts
    triggers: frozenset[TriggerKind] = frozenset()
    """What the hold rests on."""
    plan_id: UUID | None = None
    """The active plan, else the one that ended last."""
    plan_status: PlanStatus | None = None
    plans_kept: int = 0
    instalments_missed: int = 0
    promises_made: int = 0
    promises_kept: int = 0
    promises_broken: int = 0
    disputes_opened: int = 0
    disputes_closed: int = 0
    end_date_reached: bool = False
    review_due: bool = False
    exceptions_over: int = 0
    """Exceptions whose last day has passed."""
    noted: int = 0
    """The newest entry of the hold's audit chain that was there."""
    received: Decimal | None = None
    """What the customer ever paid us; None where it was stored before this was known."""
    credited: Decimal = Decimal(0)
    """Unapplied credits that are no rest of a payment."""
    unpaid_fall: Decimal = Decimal(0)
    """How much less was open at one look after another since the approval than payments and credits account for."""

    @property
    def plan_stands(self) -> bool:
        """Whether the customer is on a payment plan, or has kept one."""
        return self.plan_status in (PlanStatus.AGREED, PlanStatus.KEPT)

    @property
    def rests_on_debt(self) -> bool:
        """Whether nothing but what is owed made the hold."""
        return bool(self.triggers) and self.triggers <= {TriggerKind.AR_AGING, TriggerKind.CREDIT_LIMIT}

    @property
    def paid(self) -> bool:
        """Whether nothing is open, disputed invoices included."""
        return self.facts.ar_balance <= 0


@dataclass(frozen=True)
class Effect:
    """One outcome: its line in the timeline, and what it does."""

    outcome: Outcome
    line: str
    consequence: Consequence = Consequence.NOTHING
    cause: ReleaseCause | None = None
    """Of the release that it proposes or makes."""


def cause_gone(situation: Situation, policy: Policy) -> bool:
    """Whether the receivables would not make the hold any more; what rests on more than debt, when all is paid."""
    facts = situation.facts
    gone = {
        TriggerKind.AR_AGING: not crosses_threshold(facts, policy),
        TriggerKind.CREDIT_LIMIT: facts.limit_state is not LimitState.EXCEEDED,
    }
    return situation.paid or (situation.rests_on_debt and all(gone[kind] for kind in situation.triggers))


def standing_causes(now: Situation, policy: Policy) -> frozenset[ReleaseCause]:
    """Return what speaks for a release now. A person's word stands until it is decided."""
    found = {
        ReleaseCause.PERSON: True,
        ReleaseCause.PAYMENT: cause_gone(now, policy),
        ReleaseCause.PAYMENT_PLAN: now.plan_stands,
        ReleaseCause.DISPUTE: now.facts.open_disputes > 0,
        ReleaseCause.END_DATE: now.end_date_reached,
    }
    return frozenset(cause for cause, stands in found.items() if stands)


def follow(before: Situation, now: Situation) -> Situation:
    """Return the situation of now, with what has to be remembered from look to look."""
    return now.model_copy(update={"unpaid_fall": before.unpaid_fall + _unaccounted(before, now)})


def _unaccounted(before: Situation, now: Situation) -> Decimal:
    """Return how much of the fall of what is open no payment or credit accounts for.

    A credit that is used up takes nothing away: the invoice that it went to fell by as much.
    """
    fell = before.facts.ar_balance - now.facts.ar_balance
    if before.received is None or now.received is None:
        return max(fell, Decimal(0))
    came = max(now.received - before.received, Decimal(0)) + max(now.credited - before.credited, Decimal(0))
    return max(fell - came, Decimal(0))


def effects(before: Situation, now: Situation, policy: Policy) -> list[Effect]:
    """Return what has happened between two situations, and what follows; nothing for the same one twice."""
    return [
        *_money(before, now, policy),
        *_plan(before, now),
        *_word(before, now),
        *_disputes(before, now),
        *_days(before, now),
    ]


def _money(before: Situation, now: Situation, policy: Policy) -> Iterator[Effect]:
    facts, propose = now.facts, Consequence.PROPOSE_RELEASE
    fell = f"open {before.facts.ar_balance:,.2f} -> {facts.ar_balance:,.2f} {facts.currency}"
    if now.paid and not before.paid:
        unpaid = follow(before, now).unpaid_fall
        if not (policy.auto_release_on_payment and now.rests_on_debt):
            yield Effect(Outcome.PAID_IN_FULL, fell, propose, ReleaseCause.PAYMENT)
        elif unpaid:
            line = f"{fell}; no payment or credit accounts for {unpaid:,.2f} of it, so a person decides"
            yield Effect(Outcome.PAID_IN_FULL, line, propose, ReleaseCause.PAYMENT)
        else:
            yield Effect(Outcome.PAID_IN_FULL, fell, Consequence.RELEASE, ReleaseCause.PAYMENT)
        return
    if facts.ar_balance < before.facts.ar_balance and not now.paid:
        oldest = f"; the oldest open invoice was due {facts.oldest_due_date}" if facts.oldest_due_date else ""
        yield Effect(Outcome.PART_PAID, f"{fell}{oldest}, {facts.days_overdue} days overdue")
    if cause_gone(now, policy) and not cause_gone(before, policy):
        line = f"{facts.total_open:,.2f} {facts.currency} open, {facts.days_overdue} days overdue: {_below(now)}"
        yield Effect(Outcome.CAUSE_GONE, line, propose, ReleaseCause.PAYMENT)


def _below(now: Situation) -> str:
    said = {TriggerKind.AR_AGING: "below the threshold", TriggerKind.CREDIT_LIMIT: "the credit limit is met again"}
    return ", ".join(words for kind, words in said.items() if kind in now.triggers)


def _plan(before: Situation, now: Situation) -> Iterator[Effect]:
    propose = (Consequence.PROPOSE_RELEASE, ReleaseCause.PAYMENT_PLAN)
    if now.instalments_missed > before.instalments_missed:
        yield Effect(Outcome.INSTALMENT_MISSED, "an instalment of a payment plan was missed: the plan is broken")
    if now.plans_kept > before.plans_kept:
        yield Effect(Outcome.PLAN_KEPT, "every instalment of the payment plan was paid", *propose)
    elif now.plan_status is PlanStatus.AGREED and not (before.plan_stands and before.plan_id == now.plan_id):
        yield Effect(Outcome.PLAN_AGREED, "a payment plan stands", *propose)


def _word(before: Situation, now: Situation) -> Iterator[Effect]:
    facts = now.facts
    if now.promises_made > before.promises_made:
        open_one = (
            f": {facts.promised_amount:,.2f} {facts.currency} by {facts.promised_for}" if facts.promised_for else ""
        )
        yield Effect(Outcome.PROMISE_MADE, f"the customer promised to pay{open_one}")
    if now.promises_kept > before.promises_kept:
        yield Effect(Outcome.PROMISE_KEPT, "what was promised was paid in time")
    if now.promises_broken > before.promises_broken:
        yield Effect(Outcome.PROMISE_BROKEN, "a promise to pay was broken: its day has passed")


def _disputes(before: Situation, now: Situation) -> Iterator[Effect]:
    still = f"{now.facts.open_disputes} open, {now.facts.disputed_amount:,.2f} {now.facts.currency} disputed"
    if now.disputes_opened > before.disputes_opened:
        if now.facts.open_disputes:
            yield Effect(Outcome.DISPUTE_OPENED, still, Consequence.PROPOSE_RELEASE, ReleaseCause.DISPUTE)
        else:
            yield Effect(Outcome.DISPUTE_OPENED, "opened, and closed again")
    if now.disputes_closed > before.disputes_closed:
        yield Effect(Outcome.DISPUTE_CLOSED, still)


def _days(before: Situation, now: Situation) -> Iterator[Effect]:
    if now.end_date_reached and not before.end_date_reached:
        line = "the day on which the hold was to end has come"
        yield Effect(Outcome.END_DATE_REACHED, line, Consequence.PROPOSE_RELEASE, ReleaseCause.END_DATE)
    if now.review_due and not before.review_due:
        yield Effect(Outcome.REVIEW_DUE, "the hold is to be looked at again")
    if now.exceptions_over > before.exceptions_over:
        yield Effect(Outcome.EXCEPTION_ENDED, "the last day of an exception has passed")


def day_begins(day: date, calendar: Calendar) -> datetime:
    """Return when a day begins where we work, in UTC."""
    zone = ZoneInfo(calendar.time_zone)
    return datetime.combine(day, datetime.min.time(), zone).astimezone(ZoneInfo("UTC"))


def day_ends(day: date, calendar: Calendar) -> datetime:
    """Return when a day is over where we work, in UTC."""
    return day_begins(day + timedelta(days=1), calendar)
