"""Crossed credit limits as an outbox: one that applied a block is told to the customer's hold until Temporal has it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from db.models import LimitTransition


def unproposed(
    session: Session, *, now: datetime, resend_after: timedelta, limit: int = 100
) -> Sequence[LimitTransition]:
    """Return crossings whose trigger was not handed over, nor tried lately, longest waiting first."""
    query = (
        select(LimitTransition)
        .where(LimitTransition.applied, LimitTransition.proposed_at.is_(None))
        .where(or_(LimitTransition.tried_at.is_(None), LimitTransition.tried_at < now - resend_after))
        .order_by(func.coalesce(LimitTransition.tried_at, LimitTransition.at))  # one in vain starves no others
        .limit(limit)
    )
    return session.scalars(query).all()


def note_tried(session: Session, transition: LimitTransition, now: datetime, *, proposed: bool) -> None:
    """Note that a crossing's trigger was handed over, or that this failed."""
    values = {"tried_at": now} | ({"proposed_at": now} if proposed else {})
    this = (LimitTransition.id == transition.id, LimitTransition.proposed_at.is_(None))
    session.execute(update(LimitTransition).where(*this).values(**values))
