"""Crossed credit limits as an outbox: one that applied a block is told to the customer's hold until it is a trigger."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import String, cast, exists, func, select, update
from sqlalchemy.orm import Session

from db import outbox
from db.models import HoldTrigger, LimitTransition

TRIGGER_PREFIX = "limit/"
"""What the ids of the triggers begin with that are crossings."""

OPEN = (LimitTransition.applied, LimitTransition.proposed_at.is_(None))
"""Which rows are in the outbox."""
_UNDER_WAY = timedelta(seconds=10)
"""For so long a trigger that was sent may take: an import crosses any number of limits, and no more than a page of them
is under way at once, so that busy workers are not sent everything twice."""


def unproposed(session: Session, *, now: datetime, resend_after: timedelta) -> Sequence[LimitTransition]:
    """Return crossings whose trigger has not arrived, and that were not tried lately, longest waiting first."""
    kept_back = outbox.is_kept_back(LimitTransition.customer_id, LimitTransition.tried_at)
    query = outbox.due(
        select(LimitTransition).where(*OPEN, ~kept_back),
        written=LimitTransition.at,
        tried=LimitTransition.tried_at,
        now=now,
        resend_after=resend_after,
    )
    under_way = select(func.count()).where(*OPEN, LimitTransition.tried_at > now - _UNDER_WAY).scalar_subquery()
    return session.scalars(query.limit(func.greatest(outbox.PAGE - under_way, 0))).all()


def note_tried(session: Session, transition: LimitTransition, now: datetime) -> None:
    """Note that a crossing's trigger was sent, or that this failed."""
    session.execute(update(LimitTransition).where(LimitTransition.id == transition.id).values(tried_at=now))


def end(session: Session, now: datetime) -> None:
    """End the rows whose trigger has arrived, admitted or turned away."""
    arrived = exists().where(HoldTrigger.id == TRIGGER_PREFIX + cast(LimitTransition.id, String))
    session.execute(update(LimitTransition).where(*OPEN, arrived).values(proposed_at=now))
