"""Inbound events: each is taken once under its sender's id, and its hold is told until it has acted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.events import EventKind
from credit.health import Risk
from credit.states import HoldStatus
from db import outbox
from db.errors import EventConflictError
from db.models import Hold, HoldTrigger, InboundEvent, ReleaseRequest, RiskEvent
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
    if (event.kind, event.customer_id) != (kind, customer_id) or not _same(event.payload, payload):
        raise EventConflictError(event_id)
    return event, written is not None


def _same(stored: JsonObject, sent: JsonObject) -> bool:
    """Whether it says the same; a field that only one version knows says nothing where it is null."""
    return all(stored.get(name) == sent.get(name) for name in stored.keys() | sent.keys())


def untold(session: Session, *, now: datetime, resend_after: timedelta) -> Sequence[InboundEvent]:
    """Return events of which something has not arrived, and that were not tried lately, longest waiting first."""
    query = outbox.due(
        select(InboundEvent).where(
            InboundEvent.handled_at.is_(None), ~outbox.is_kept_back(InboundEvent.customer_id, InboundEvent.tried_at)
        ),
        written=InboundEvent.received_at,
        tried=InboundEvent.tried_at,
        now=now,
        resend_after=resend_after,
    )
    return session.scalars(query).all()


def note_tried(session: Session, event: InboundEvent, now: datetime) -> None:
    """Note that the hold was told of an event, or that this failed."""
    this = (InboundEvent.source == event.source, InboundEvent.id == event.id)
    session.execute(update(InboundEvent).where(*this).values(tried_at=now))


def end(session: Session, now: datetime) -> None:
    """End the events of which everything has arrived, or has become void because their hold is over.

    A trigger has arrived when it has a row, admitted or turned away; a wish for a release likewise. Changed facts have
    been looked at when a look noted what the event wrote; before its approval a hold looks at nothing.
    """
    sent_id = InboundEvent.tell[0]["payload"]["id"].astext
    of_event = select(Hold.id).where(Hold.id == InboundEvent.hold_id).correlate(InboundEvent)
    over = of_event.where(Hold.closed_at.is_not(None)).exists()
    unseen = or_(Hold.situation.is_(None), Hold.situation["noted"].as_integer() < InboundEvent.noted)
    to_look = of_event.where(Hold.status.in_((HoldStatus.APPLYING, HoldStatus.IN_FORCE)), unseen).exists()
    arrived = (
        or_(~_tells("trigger"), exists().where(HoldTrigger.id == sent_id)),
        or_(~_tells("request_release"), over, exists().where(ReleaseRequest.id == sent_id)),
        or_(~_tells("facts_changed"), ~to_look),
    )
    session.execute(update(InboundEvent).where(InboundEvent.handled_at.is_(None), *arrived).values(handled_at=now))


def _tells(signal: str) -> ColumnElement[bool]:
    return InboundEvent.tell.contains([{"signal": signal}])


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
