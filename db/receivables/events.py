"""Inbound events: each is taken once under its sender's id, and its hold is told until Temporal has taken it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.events import EventKind
from credit.health import Risk
from db.errors import EventConflictError
from db.models import InboundEvent, RiskEvent
from db.models.base import JsonObject


def queue_up(session: Session, customer_id: str) -> None:
    """Wait until no other event of this customer is being taken: they are weighed one after the other."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"events:{customer_id}", 0))))


def take(
    session: Session,
    *,
    source: str,
    event_id: str,
    kind: EventKind,
    customer_id: str,
    payload: JsonObject,
    now: datetime,
) -> tuple[InboundEvent, bool]:
    """Return the event's row, and whether it is new. Deliveries at the same moment wait for the first one.

    Raises:
        EventConflictError: the sender used this id for something else.
    """
    values = {"source": source, "id": event_id, "kind": kind, "customer_id": customer_id, "payload": payload}
    written = session.execute(
        insert(InboundEvent)
        .values(**values, received_at=now, tell=[])
        .on_conflict_do_nothing(index_elements=["source", "id"])
        .returning(InboundEvent.id)
    ).first()
    event = session.get_one(InboundEvent, (source, event_id))
    if (event.kind, event.customer_id, event.payload) != (kind, customer_id, payload):
        raise EventConflictError(event_id)
    return event, written is not None


def untold(session: Session, *, now: datetime, resend_after: timedelta, limit: int = 100) -> Sequence[InboundEvent]:
    """Return events whose holds have not been told, longest waiting first; each is told by who took it, at first."""
    before = now - resend_after
    query = (
        select(InboundEvent)
        .where(InboundEvent.handled_at.is_(None), InboundEvent.received_at < before)
        .where(or_(InboundEvent.tried_at.is_(None), InboundEvent.tried_at < before))
        .order_by(func.coalesce(InboundEvent.tried_at, InboundEvent.received_at))  # one in vain starves no others
        .limit(limit)
    )
    return session.scalars(query).all()


def note_tried(session: Session, event: InboundEvent, now: datetime, *, told: bool) -> None:
    """Note that the hold was told of an event, or that this failed."""
    values = {"tried_at": now} | ({"handled_at": now} if told else {})
    one = (InboundEvent.source == event.source, InboundEvent.id == event.id)
    session.execute(update(InboundEvent).where(*one, InboundEvent.handled_at.is_(None)).values(**values))


def record_risk(
    session: Session,
    event: InboundEvent,
    *,
    risk: Risk,
    score: Decimal | None,
    model: str,
    reason: str,
    predicted_at: datetime,
    disputes_before: int,
    proposed: bool,
) -> None:
    """Keep a health prediction, whatever it led to."""
    session.add(
        RiskEvent(
            source=event.source,
            event_id=event.id,
            customer_id=event.customer_id,
            risk=risk,
            score=score,
            model=model,
            reason=reason,
            predicted_at=predicted_at,
            recorded_at=event.received_at,
            disputes_before=disputes_before,
            proposed=proposed,
        )
    )
