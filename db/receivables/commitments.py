"""What a customer undertook to pay, settled: promises kept or broken, instalments paid or missed."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from credit import commitments
from credit.calendar import Calendar
from credit.events import PlanStatus, PromiseOutcome
from credit.outcomes import day_ends
from credit.states import OPEN_HOLD
from db.models import Customer, Hold, PaymentPlan, PaymentPlanInstalment, PromiseToPay
from db.receivables import payment_plans, payments, promises


def settle_paid(session: Session, customer_id: str, now: datetime) -> list[PromiseToPay | PaymentPlanInstalment]:
    """Settle the promise and the instalments that what was paid by now covers; returns those settled just now."""
    settled: list[PromiseToPay | PaymentPlanInstalment] = []
    promise = promises.open_of(session, customer_id)
    if promise is not None and _is_kept(session, promise):
        promises.settle(session, promise, PromiseOutcome.KEPT, now)
        settled.append(promise)
    plan = payment_plans.active_of(session, customer_id)
    if plan is not None:
        paid = payments.received_since(session, customer_id, plan.agreed_at)
        amounts = [row.amount for row in payment_plans.instalments(session, plan.id)]
        settled += payment_plans.mark_paid(session, plan, commitments.instalments_covered(amounts, paid), now)
    return settled


class Undertaken(NamedTuple):
    """What a customer undertook to pay."""

    promise: PromiseToPay | None
    """The one that is not settled."""
    plan: PaymentPlan | None
    """The active one, or else the one that ended last."""


def settle_due(session: Session, customer_id: str, *, since: datetime, calendar: Calendar, now: datetime) -> Undertaken:
    """Settle everything that time and payments have settled by now, and return what stands then.

    A payment made in time that we heard of later keeps a broken promise and mends a broken plan all the same.

    Args:
        session: the open transaction.
        customer_id: whose.
        since: promises broken before are left as they are.
        calendar: says when a day is over.
        now: when.
    """
    if not _ever_undertook(session, customer_id):
        return Undertaken(None, None)
    _mend_promises(session, customer_id, since)
    _mend_plan(session, customer_id)
    settle_paid(session, customer_id, now)
    _break_promise(session, customer_id, calendar, now)
    _miss_instalment(session, customer_id, calendar, now)
    return Undertaken(promises.open_of(session, customer_id), payment_plans.newest_of(session, customer_id))


def overdue(session: Session, day: date, *, limit: int) -> Sequence[str]:
    """Return customers without an open hold who undertook to pay before `day` and whose word is not settled."""
    held = exists().where(Hold.customer_id == Customer.id, Hold.status.in_(OPEN_HOLD))
    promised = exists().where(
        PromiseToPay.customer_id == Customer.id, PromiseToPay.settled_at.is_(None), PromiseToPay.promised_for < day
    )
    planned = exists().where(
        PaymentPlan.customer_id == Customer.id,
        PaymentPlan.ended_at.is_(None),
        PaymentPlanInstalment.plan_id == PaymentPlan.id,
        PaymentPlanInstalment.paid_at.is_(None),
        PaymentPlanInstalment.due_date < day,
    )
    query = select(Customer.id).where(or_(promised, planned), ~held)
    return session.scalars(query.order_by(Customer.id).limit(limit)).all()


def _ever_undertook(session: Session, customer_id: str) -> bool:
    promised = exists().where(PromiseToPay.customer_id == customer_id)
    planned = exists().where(PaymentPlan.customer_id == customer_id)
    return bool(session.scalar(select(or_(promised, planned))))


def _is_kept(session: Session, promise: PromiseToPay) -> bool:
    paid = payments.received_since(session, promise.customer_id, promise.made_at, promise.promised_for)
    return commitments.keeps_promise(promise.amount, paid)


def _mend_promises(session: Session, customer_id: str, since: datetime) -> None:
    broken = select(PromiseToPay).where(
        PromiseToPay.customer_id == customer_id,
        PromiseToPay.outcome == PromiseOutcome.BROKEN,
        PromiseToPay.settled_at >= since,
    )
    for promise in session.scalars(broken):
        if _is_kept(session, promise):
            promise.outcome = PromiseOutcome.KEPT
    session.flush()


def _break_promise(session: Session, customer_id: str, calendar: Calendar, now: datetime) -> None:
    promise = promises.open_of(session, customer_id)
    if promise is not None and now >= day_ends(promise.promised_for, calendar):
        promises.settle(session, promise, PromiseOutcome.BROKEN, now)


def _mend_plan(session: Session, customer_id: str) -> None:
    plan = payment_plans.newest_of(session, customer_id)
    if plan is None or plan.status is not PlanStatus.BROKEN:
        return
    rows = payment_plans.instalments(session, plan.id)
    missed = [row for row in rows if row.missed_at is not None]
    if missed and all(_paid_in_time(session, plan, rows[: row.number]) for row in missed):
        for row in missed:
            row.missed_at = None
        plan.ended_at = plan.outcome = None
        session.flush()


def _miss_instalment(session: Session, customer_id: str, calendar: Calendar, now: datetime) -> None:
    """Miss the first instalment whose day is over unpaid: that breaks the plan."""
    plan = payment_plans.active_of(session, customer_id)
    if plan is None:
        return
    rows = payment_plans.instalments(session, plan.id)
    for row in rows:
        is_due = row.paid_at is None and now >= day_ends(row.due_date, calendar)
        if is_due and not _paid_in_time(session, plan, rows[: row.number]):
            payment_plans.miss(session, plan, row.number, now)
            return


def _paid_in_time(session: Session, plan: PaymentPlan, due: Sequence[PaymentPlanInstalment]) -> bool:
    """Whether what is due up to and with the last of these instalments was paid by its day."""
    paid = payments.received_since(session, plan.customer_id, plan.agreed_at, due[-1].due_date)
    return paid >= sum((row.amount for row in due), Decimal(0))
