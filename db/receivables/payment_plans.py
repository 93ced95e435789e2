"""Payment plans and their instalments. A customer has one active plan at most."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.events import PlanStatus
from db.models import PaymentPlan, PaymentPlanInstalment


def active_of(session: Session, customer_id: str) -> PaymentPlan | None:
    """Return the customer's active plan, locked; None where there is none."""
    query = select(PaymentPlan).where(PaymentPlan.customer_id == customer_id, PaymentPlan.ended_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def agree(
    session: Session, *, customer_id: str, note: str, instalments: Sequence[tuple[date, Decimal]], at: datetime
) -> PaymentPlan:
    """Write down a plan of (due date, amount), in the order of due dates. It replaces the one that is active."""
    replaced = active_of(session, customer_id)
    if replaced is not None:
        end(session, replaced, PlanStatus.ENDED, at)
    plan = PaymentPlan(customer_id=customer_id, note=note, agreed_at=at)
    session.add(plan)
    session.flush()
    for number, (due_date, amount) in enumerate(instalments, 1):
        session.add(PaymentPlanInstalment(plan_id=plan.id, number=number, due_date=due_date, amount=amount))
    session.flush()
    return plan


def instalments(session: Session, plan_id: UUID) -> Sequence[PaymentPlanInstalment]:
    """Return a plan's instalments, the first due one first."""
    query = select(PaymentPlanInstalment).where(PaymentPlanInstalment.plan_id == plan_id)
    return session.scalars(query.order_by(PaymentPlanInstalment.number)).all()


def mark_paid(session: Session, plan: PaymentPlan, covered: int, at: datetime) -> list[int]:
    """Mark the first `covered` instalments as paid; the last one ends the plan as kept. Returns the newly paid."""
    rows = instalments(session, plan.id)
    newly = [row for row in rows[:covered] if row.paid_at is None and row.missed_at is None]
    for row in newly:
        row.paid_at = at
    if rows and all(row.paid_at is not None for row in rows):
        end(session, plan, PlanStatus.KEPT, at)
    session.flush()
    return [row.number for row in newly]


def miss(session: Session, plan: PaymentPlan, number: int, at: datetime) -> bool:
    """Mark an instalment as missed, which breaks the plan; False where it is unknown, or was paid."""
    row = session.get(PaymentPlanInstalment, (plan.id, number))
    if row is None or row.paid_at is not None:
        return False
    row.missed_at = row.missed_at or at
    end(session, plan, PlanStatus.BROKEN, at)
    return True


def end(session: Session, plan: PaymentPlan, outcome: PlanStatus, at: datetime) -> None:
    plan.ended_at, plan.outcome = max(at, plan.agreed_at), outcome
    session.flush()
