"""Promises to pay. A customer has one unsettled promise at most: a new one supersedes it."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.events import PromiseOutcome
from db.models import PromiseToPay


def open_of(session: Session, customer_id: str) -> PromiseToPay | None:
    """Return the customer's unsettled promise, locked; None where there is none."""
    query = select(PromiseToPay).where(PromiseToPay.customer_id == customer_id, PromiseToPay.settled_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def make(
    session: Session,
    *,
    customer_id: str,
    hold_id: UUID | None,
    amount: Decimal,
    promised_for: date,
    made_by: str,
    at: datetime,
) -> PromiseToPay:
    superseded = open_of(session, customer_id)
    if superseded is not None:
        settle(session, superseded, PromiseOutcome.SUPERSEDED, at)
    promise = PromiseToPay(
        customer_id=customer_id, hold_id=hold_id, amount=amount, promised_for=promised_for, made_by=made_by, made_at=at
    )
    session.add(promise)
    session.flush()
    return promise


def settle(session: Session, promise: PromiseToPay, outcome: PromiseOutcome, at: datetime) -> bool:
    """Say what became of a promise; False where that is settled already."""
    if promise.settled_at is not None:
        return False
    promise.settled_at, promise.outcome = at, outcome
    session.flush()
    return True
