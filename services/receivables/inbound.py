"""Events from outside: the one authority behind `POST /api/events/…`. What each means is a file beside this one.

Each event is one transaction: its row, what it changes, and what its hold is to be told. Then the hold is told; where
that fails, or comes to nothing, the row stands and the relay tells it later. Every signal carries an id made of the
event's, so that however often it is told, it counts once.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine
from temporalio.client import Client

from credit.events import EventOutcome
from db import customers, policies
from db.act import Act, acting
from db.errors import BadEventError
from db.holds import holds
from db.models import InboundEvent
from db.receivables import events
from services.outboxes import told_from_outside
from services.receivables.event import Event
from services.receivables.taking import Taking
from services.relay import deliver_now


@dataclass(frozen=True)
class Delivery:
    """Who sent which event. The id is the sender's own."""

    source: str
    event_id: str


@dataclass(frozen=True)
class Taken:
    """What became of an event; a repetition gets the same."""

    event_id: str
    outcome: EventOutcome
    why: str
    hold_id: UUID | None
    """The hold that was open when the event came."""
    repeated: bool


class InboundEvents:
    """Takes events, on one database and one Temporal namespace."""

    def __init__(self, engine: Engine, client: Client, task_queue: str) -> None:
        self._engine = engine
        self._client = client
        self._task_queue = task_queue

    async def take(self, delivery: Delivery, payload: Event) -> Taken:
        """Take an event, once, and tell the customer's hold what it has to say; a repetition is answered the same.

        Raises:
            UnknownCustomerError: there is no such customer.
            EventConflictError: the sender used the id for something else.
            BadEventError: a field makes no sense for what we know.
            OutOfOrderError: it is about something that another event must tell first.
        """
        event, is_new = await acting(self._engine, delivery.source, write, delivery, payload)
        if event.handled_at is None:
            await deliver_now(self._client, self._engine, told_from_outside(self._task_queue), event)
        return Taken(event.id, event.outcome or EventOutcome.RECORDED, event.why, event.hold_id, repeated=not is_new)


def write(act: Act, delivery: Delivery, payload: Event) -> tuple[InboundEvent, bool]:
    """Write an event and what it says, once; returns its row, and whether it is new. Nobody is told yet.

    Raises:
        As `InboundEvents.take`.
    """
    customers.get(act.session, payload.customer_id)
    events.queue_up(act.session, payload.customer_id)
    event, is_new = events.take(
        act.session,
        source=delivery.source,
        event_id=delivery.event_id,
        kind=payload.kind,
        customer_id=payload.customer_id,
        payload=payload.model_dump(mode="json", exclude={"event_id"}),
        now=act.now,
    )
    if is_new:
        for field, why in payload.implausible(act.now.date()):
            raise BadEventError(field, why)
        policy = policies.for_amounts(act.session)
        taking = Taking(act, event, holds.open_of(act.session, payload.customer_id), policy)
        payload.take(taking)
        event.outcome, event.why, event.tell = taking.outcome, taking.why, taking.tell
        event.hold_id = taking.hold.id if taking.hold else None
        event.handled_at = None if taking.tell else act.now
    return event, is_new
