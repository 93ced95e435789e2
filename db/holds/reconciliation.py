"""What of the record must have a running workflow."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from credit.states import BEAT_OVER, OPEN_HOLD, HoldStatus, MessageKind, MessageStatus
from db.models import Customer, Hold, HoldBeat, Message

_LATE = timedelta(hours=1)
"""For so long a look may be due before it counts as forgotten: a worker that was away is still coming to it."""
_OPEN_MESSAGE = (MessageStatus.PENDING_REVIEW, MessageStatus.APPROVED)


class OpenHold(NamedTuple):
    id: UUID
    customer_id: str
    status: HoldStatus
    unfinished: list[str]
    """The beats that are planned and not over."""
    looked_at_next: datetime | None
    """When time alone is to have a hold in force looked at."""

    def is_forgotten(self, now: datetime) -> bool:
        """Whether the hold is in force and nothing has it looked at: what time changes about it would be missed."""
        in_force = self.status in (HoldStatus.APPLYING, HoldStatus.IN_FORCE)
        return in_force and (self.looked_at_next is None or self.looked_at_next < now - _LATE)


class OpenMessage(NamedTuple):
    """A message that has neither been sent nor given up."""

    id: UUID
    hold_id: UUID
    customer_id: str
    kind: MessageKind
    status: MessageStatus
    drafted_at: datetime


def _open_holds() -> "Select[UUID, str, HoldStatus, list[str], datetime | None]":
    unfinished = select(HoldBeat.beat).where(HoldBeat.hold_id == Hold.id, HoldBeat.status.not_in(BEAT_OVER))
    beats = func.array(unfinished.scalar_subquery())
    return select(Hold.id, Hold.customer_id, Hold.status, beats, Hold.next_review_at).where(Hold.status.in_(OPEN_HOLD))


def open_holds(session: Session, *, after: str | None, limit: int, before: datetime) -> list[OpenHold]:
    """Return open holds proposed before a time, in the order of their customers' ids, from behind `after`."""
    query = _open_holds().where(Hold.proposed_at < before).order_by(Hold.customer_id).limit(limit)
    if after is not None:
        query = query.where(Hold.customer_id > after)
    return [OpenHold(*row) for row in session.execute(query)]


def open_hold(session: Session, customer_id: str) -> OpenHold | None:
    row = session.execute(_open_holds().where(Hold.customer_id == customer_id)).one_or_none()
    return OpenHold(*row) if row else None


def open_messages(session: Session, *, after: str | None, limit: int, before: datetime) -> list[OpenMessage]:
    """Return open messages drafted before a time, in the order of their ids, from behind `after`."""
    query = (
        select(Message.id, Message.hold_id, Hold.customer_id, Message.kind, Message.status, Message.drafted_at)
        .join(Hold, Hold.id == Message.hold_id)
        .where(Message.status.in_(_OPEN_MESSAGE), Message.drafted_at < before)
        .order_by(Message.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Message.id > UUID(after))
    return [OpenMessage(*row) for row in session.execute(query)]


def is_customer(session: Session, customer_id: str) -> bool:
    return session.get(Customer, customer_id) is not None
