"""A payment plan: agreed, broken by a missed instalment, or called off."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from credit import disputes as dispute_rules
from credit.audit_entries import receivables as entries
from credit.events import EventKind, PlanStatus
from credit.states import ReleaseCause
from credit.wording import counted
from db.errors import BadEventError, OutOfOrderError
from db.models import PaymentPlan
from db.receivables import payment_plans
from services.receivables.event import CLOCKS_DIFFER, YEAR, Amount, Currency, Event, Implausible, Text, past
from services.receivables.taking import Taking


class Instalment(BaseModel):
    """One instalment of a plan."""

    model_config = ConfigDict(extra="forbid")

    due_date: date
    amount: Amount


def _in_order(instalments: list[Instalment]) -> list[Instalment]:
    if any(later.due_date <= earlier.due_date for earlier, later in pairwise(instalments)):
        raise ValueError("due dates must rise from one instalment to the next")
    return instalments


class PlanAgreed(Event):
    """A payment plan was agreed; it replaces the one that is active."""

    kind = EventKind.PAYMENT_PLAN

    action: Literal["agreed"]
    instalments: Annotated[list[Instalment], Field(min_length=1, max_length=120), AfterValidator(_in_order)]
    currency: Currency
    note: Text = ""
    agreed_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("agreed_at", self.agreed_at, today)
        if self.instalments[-1].due_date < today - CLOCKS_DIFFER:
            yield "instalments", "every due date has passed"
        if self.instalments[-1].due_date > today + 10 * YEAR:
            yield "instalments", "a due date lies more than ten years ahead"

    def take(self, taking: Taking) -> None:
        """Write the plan down; one of a held customer asks for the release."""
        taking.ledger_currency(self.currency)
        instalments = [(one.due_date, one.amount) for one in self.instalments]
        payment_plans.agree(
            taking.act.session,
            customer_id=self.customer_id,
            note=self.note,
            instalments=instalments,
            at=min(self.agreed_at, taking.act.now),
        )
        total = sum(amount for _, amount in instalments)
        taking.note(
            entries.PlanAgreed,
            f"{total:,.2f} {self.currency} in {counted(len(instalments), 'instalment')} until {instalments[-1][0]}",
        )
        taking.facts_changed()
        if taking.hold is not None and dispute_rules.speaks_for_release(taking.hold.status):
            taking.request_release(ReleaseCause.PAYMENT_PLAN, f"a payment plan is agreed: {taking.why}")


class InstalmentMissed(Event):
    """An instalment of the active plan was not paid: that breaks the plan."""

    kind = EventKind.PAYMENT_PLAN

    action: Literal["instalment_missed"]
    number: Annotated[int, Field(ge=1, le=120)]
    missed_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("missed_at", self.missed_at, today)

    def take(self, taking: Taking) -> None:
        """Break the active plan."""
        plan = _active_plan(taking)
        if not payment_plans.miss(taking.act.session, plan, self.number, self.missed_at):
            raise BadEventError("number", f"the active plan has no unpaid instalment {self.number}")
        taking.note(
            entries.InstalmentMissed, f"instalment {self.number} was missed: the payment plan is {PlanStatus.BROKEN}"
        )
        taking.facts_changed()


class PlanEnded(Event):
    """The active plan was called off."""

    kind = EventKind.PAYMENT_PLAN

    action: Literal["ended"]
    reason: Text = ""
    ended_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("ended_at", self.ended_at, today)

    def take(self, taking: Taking) -> None:
        """End the active plan."""
        plan = _active_plan(taking)
        payment_plans.end(taking.act.session, plan, PlanStatus.ENDED, self.ended_at)
        taking.note(entries.PlanEnded, f"the payment plan was called off: {self.reason or 'no reason given'}")
        taking.facts_changed()


PaymentPlanEvent = Annotated[PlanAgreed | InstalmentMissed | PlanEnded, Field(discriminator="action")]


def _active_plan(taking: Taking) -> PaymentPlan:
    plan = payment_plans.active_of(taking.act.session, taking.event.customer_id)
    if plan is None:
        raise OutOfOrderError(f"customer {taking.event.customer_id} has no active payment plan: tell of the plan first")
    return plan
