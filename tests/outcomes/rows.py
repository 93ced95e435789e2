"""A hold in force as rows only, and what can happen to it as rows only: no workflow, so that a look is one call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from credit.events import DisputeResolution
from credit.outcomes import ExceptionScope, ScheduledDate
from credit.states import Verdict
from credit.triggers import Trigger, TriggerKind
from db import audit
from db.act import Act
from db.errors import NotInForceError
from db.holds import by_hand, decisions, holds, outcomes, proposals
from db.models import Customer, Decision, Hold, HoldException, PaymentPlan, Proposal
from db.receivables import disputes, payment_plans, payments, promises
from tests.world import invoice

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOON.date()
DAY = timedelta(days=1)


@dataclass
class Held:
    """A customer in force, owing 40,000 since 120 days, disputed, and 5,000 since 30 days."""

    session: Session
    now: datetime = NOON
    customer: str = field(default_factory=lambda: f"C-{uuid4().hex[:12]}")
    hold_id: UUID = field(default_factory=uuid4)
    plan_id: UUID | None = None

    def look(self) -> None:
        outcomes.review(Act.of_system(self.session, self.now), self.hold_id)

    def hold(self) -> Hold:
        return holds.lock(self.session, self.hold_id)

    def proposal(self) -> Proposal:
        return holds.newest_proposal(self.session, self.hold_id)

    def told(self) -> list[str]:
        """What the hold's record says, but for what led to it."""
        self.session.flush()
        life = [event.action for event in audit.chain_of(self.session, self.hold_id)]
        return life[life.index("hold_in_force") + 1 :]

    def state(self) -> str:
        """How the hold stands, in one letter: held, release asked for, lifted."""
        if self.hold().status == "releasing":
            return "L"
        proposal = self.proposal()
        return "R" if (proposal.kind, proposal.status) == ("release", "open") else "."

    def pay(self, amount: str, paid_on: date = TODAY) -> None:
        payments.post(
            self.session,
            payment_id=str(uuid4()),
            customer_id=self.customer,
            invoice_id=None,
            amount=Decimal(amount),
            currency="USD",
            paid_on=paid_on,
            now=self.now,
        )


def held(
    session: Session,
    kind: TriggerKind = TriggerKind.AR_AGING,
    *,
    with_plan: bool = False,
    with_promise: bool = False,
) -> Held:
    """A hold that was just approved. The plan's first instalment, and the promise, are due today."""
    it = Held(session)
    session.add(Customer(id=it.customer, name=it.customer, netsuite_id=f"N-{it.customer}"))
    session.flush()
    session.add(invoice(_old(it), it.customer, TODAY - 120 * DAY, "40000"))
    session.add(invoice(_new(it), it.customer, TODAY - 30 * DAY, "5000"))
    session.flush()
    _dispute(it, _old(it), NOON - 5 * DAY)
    if with_plan:
        rates = [(TODAY, Decimal(3000)), (TODAY + 30 * DAY, Decimal(4000))]
        at = NOON - 10 * DAY
        it.plan_id = payment_plans.agree(session, customer_id=it.customer, note="", instalments=rates, at=at).id
    if with_promise:
        _promise(it, "2000", NOON - DAY)
    trigger = Trigger(id=str(uuid4()), kind=kind, reason="late", actor="robin", at=NOON)
    proposals.open_hold(
        Act.of_system(session, NOON), customer_id=it.customer, new_hold_id=it.hold_id, triggers=[trigger], run_id="none"
    )
    decide(it, Verdict.APPROVE)
    it.look()
    decisions.put_in_force(Act.of_system(session, NOON), hold_id=it.hold_id)
    return it


def decide(it: Held, verdict: Verdict) -> None:
    """Claim, decide and obey."""
    claim, proposal = decisions.claim(Act(it.session, "mike", it.now), it.hold())
    made = decisions.decide(
        Act(it.session, "mike", it.now),
        it.hold(),
        claim_id=claim.id,
        revision=proposal.revision,
        verdict=verdict,
        reason="as discussed",
    )
    assert isinstance(made, Decision)
    decisions.settle(Act.of_system(it.session, it.now), hold_id=it.hold_id, decision_id=made.id)


def _old(it: Held) -> str:
    return f"{it.customer}-old"


def _new(it: Held) -> str:
    return f"{it.customer}-new"


def _promise(it: Held, amount: str, at: datetime, days: int = 0) -> None:
    promises.make(
        it.session,
        customer_id=it.customer,
        hold_id=None,
        amount=Decimal(amount),
        promised_for=TODAY + timedelta(days=days),
        made_by="Pat",
        at=at,
    )


def _dispute(it: Held, number: str, at: datetime) -> None:
    if disputes.open_of(it.session, number) is None:
        disputes.open_dispute(
            it.session, customer_id=it.customer, invoice_id=number, reason="wrong", source="test", at=at
        )


def close_dispute(it: Held, number: str | None = None) -> None:
    found = disputes.open_of(it.session, number or _old(it))
    if found:
        disputes.close(it.session, found, DisputeResolution.REJECTED, it.now)


def _agree(it: Held) -> None:
    rates = [(TODAY + number * 30 * DAY, Decimal(10000)) for number in range(1, 5)]
    payment_plans.agree(it.session, customer_id=it.customer, note="", instalments=rates, at=it.now)


def _miss(it: Held) -> None:
    """As a sender tells it, of the plan that was there before."""
    plan = it.session.get_one(PaymentPlan, it.plan_id)
    if plan.ended_at is None:
        payment_plans.miss(it.session, plan, 1, it.now)


def by_a_person(what: Callable[[Held], object]) -> Callable[[Held], None]:
    """Done unless the hold is lifted already, where it is refused."""

    def unless_lifted(it: Held) -> None:
        if it.state() == "L":
            with pytest.raises(NotInForceError):
                what(it)
        else:
            what(it)

    return unless_lifted


def _override(it: Held) -> None:
    made = by_hand.override(Act(it.session, "mike", it.now), it.hold(), reason="a deal", is_admin=False)
    assert isinstance(made, Decision)
    decisions.settle(Act.of_system(it.session, it.now), hold_id=it.hold_id, decision_id=made.id)


def set_date(it: Held, which: ScheduledDate, day: date | None = TODAY) -> None:
    by_hand.set_dates(Act(it.session, "mike", it.now), it.hold(), {which: day}, reason="agreed")


def let_through(it: Held, until: date) -> HoldException:
    return by_hand.except_one(
        Act(it.session, "mike", it.now),
        it.hold(),
        scope=ExceptionScope.ORDER,
        reference="SO-1",
        until=until,
        reason="paid in advance",
    )


def day_passes(it: Held) -> None:
    it.now = NOON + DAY


HAPPENINGS: dict[str, Callable[[Held], object]] = {
    "paid_in_full": lambda it: it.pay("45000"),
    "cause_gone": lambda it: it.pay("40000"),
    "part_paid": lambda it: it.pay("500"),
    "plan_agreed": _agree,
    "plan_kept": lambda it: it.pay("7000"),
    "instalment_missed": day_passes,
    "instalment_told_missed": _miss,
    "promise_made": lambda it: _promise(it, "700", it.now, days=7),
    "promise_kept": lambda it: it.pay("2000"),
    "promise_broken": day_passes,
    "dispute_opened": lambda it: _dispute(it, _new(it), it.now),
    "dispute_closed": close_dispute,
    "overridden": by_a_person(_override),
    "end_date_reached": by_a_person(lambda it: set_date(it, ScheduledDate.END)),
    "review_due": by_a_person(lambda it: set_date(it, ScheduledDate.REVIEW)),
    "exception_ended": day_passes,
}
OF_A_PLAN = {"plan_kept", "instalment_missed", "instalment_told_missed"}
OF_A_PROMISE = {"promise_kept", "promise_broken"}
