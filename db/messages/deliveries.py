"""Attempts to hand approved messages to the mail server. The message's row, locked, is the arbiter.

Its `delivery` goes from cooling_off or retrying to sending, and from there to

* sent, the end;
* retrying: the next attempt follows by itself;
* refused: until a person recalls the message, or asks for another try;
* unknown: until a person says whether it arrived.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from credit.audit_entries import messages as entries
from credit.states import Delivery, MessageKind, MessageStatus
from db import session_locks
from db.act import Act
from db.errors import MessageClosedError
from db.messages import messages
from db.messages.review import tell_again, text_of
from db.models import Message, MessageDelivery, MessageRevision

ACCEPTED, TRY_LATER, REFUSED, UNFIT, UNKNOWN = "accepted", "try_later", "refused", "unfit", "unknown"
ARRIVED, NOT_ARRIVED = "arrived", "not_arrived"

_ANSWER_LIMIT = 2000
_DELIVERIES: dict[str, tuple[Delivery, type[entries.Delivered]]] = {
    ACCEPTED: (Delivery.SENT, entries.MessageSent),
    TRY_LATER: (Delivery.RETRYING, entries.MessageDelayed),
    REFUSED: (Delivery.REFUSED, entries.MessageRefusedByServer),
    UNFIT: (Delivery.REFUSED, entries.MessageUnfit),
    UNKNOWN: (Delivery.UNKNOWN, entries.MessageAnswerLost),
}


class DeliveryUnderwayError(Exception):
    """Another attempt at this message has not ended: try again soon."""

    def __init__(self, message_id: UUID) -> None:
        super().__init__(f"another attempt to send message {message_id} has not ended")


class SupersededError(Exception):
    """A later attempt has taken over from this one, which must not go on."""


@dataclass(frozen=True)
class Attempt:
    """One attempt that may begin, and what it sends."""

    id: UUID
    text: MessageRevision
    message_id_header: str


@contextmanager
def alone(engine: Engine, message_id: UUID) -> Iterator[None]:
    """Keep every other attempt at a message out until the block ends or its process dies.

    Raises:
        DeliveryUnderwayError: another attempt has the message.
    """
    with session_locks.one_of(engine, [f"message:{message_id}"]) as held:
        if held is None:
            raise DeliveryUnderwayError(message_id)
        yield


def begin(act: Act, message_id: UUID, *, domain: str) -> Attempt | None:
    """Begin an attempt if the approval stands and is due; None where there is nothing to send (now).

    An earlier attempt that never ended has died. Had it handed the message over, nobody knows whether it left: then the
    message waits for a person. A message that its hold's end, or a new hold, has overtaken is withdrawn instead. Every
    attempt at one approval has the same Message-ID, made of the decision's id and the sender's domain.
    """
    row = messages.lock(act.session, message_id)
    waits = row.delivery in (Delivery.REFUSED, Delivery.UNKNOWN)
    if row.status is not MessageStatus.APPROVED or waits or messages.left(act.session, row, act.now) > timedelta(0):
        return None
    earlier = _attempts(act.session, row)
    for one in earlier:
        if one.ended_at is None and one.handed_over_at is not None:
            _end(act, row, one, UNKNOWN, "the worker that sent it ended before the mail server answered")
            return None
        if one.ended_at is None:
            one.ended_at, one.outcome = act.now, TRY_LATER
            one.answer = "the worker ended before it handed the message over"
    overtaken = messages.why_not_to_leave(act.session, row)
    if overtaken is not None:
        messages.withdraw_now(act, row, overtaken)
        return None
    row.delivery = Delivery.SENDING
    attempt = MessageDelivery(
        message_id=row.id,
        decision_id=row.decision_id,
        message_id_header=earlier[0].message_id_header if earlier else f"<{row.decision_id}@{domain}>",
        started_at=act.now,
    )
    act.session.add(attempt)
    act.session.flush()
    return Attempt(attempt.id, text_of(act.session, row), attempt.message_id_header)


def hand_over(session: Session, attempt_id: UUID, now: datetime) -> None:
    """Note that the mail server may have taken the message from here on.

    Raises:
        SupersededError: it is another attempt's turn.
    """
    attempt, row = _locked(session, attempt_id)
    if attempt.ended_at is not None or row.decision_id != attempt.decision_id or row.delivery is not Delivery.SENDING:
        raise SupersededError
    attempt.handed_over_at = now


def end(act: Act, attempt_id: UUID, outcome: str, answer: str) -> None:
    """Note how an attempt ended: accepted, try_later, refused, unfit (it must not be sent) or unknown.

    What an attempt says that was given up meanwhile changes nothing, and is kept for whoever has to settle it.
    """
    attempt, row = _locked(act.session, attempt_id)
    if attempt.ended_at is not None:
        attempt.answer = answer[:_ANSWER_LIMIT]
        late = entries.MessageAnsweredLate(**_about(row), outcome=outcome, answer=attempt.answer)
        act.by_system.note(row.hold_id, late)
        return
    _end(act, row, attempt, outcome, answer)


def retry(act: Act, message_id: UUID, *, reason: str) -> Message:
    """Let a refused or delayed message be sent again now, with the same Message-ID.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not waiting for another try.
    """
    row = messages.lock(act.session, message_id)
    if row.delivery not in (Delivery.REFUSED, Delivery.RETRYING):
        raise MessageClosedError(row.delivery or row.status, "refused or retrying")
    act.note(row.hold_id, entries.MessageRetried(**_about(row), why=reason, error=row.delivery_error))
    row.delivery = Delivery.RETRYING
    tell_again(act, row)
    return row


def settle(act: Act, message_id: UUID, *, arrived: bool, reason: str) -> Message:
    """Settle by a person's word whether a message left whose answer was lost; if not, it is sent again.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: its fate is not unknown.
    """
    row = messages.lock(act.session, message_id)
    if row.delivery is not Delivery.UNKNOWN:
        raise MessageClosedError(row.delivery or row.status, Delivery.UNKNOWN)
    newest = _attempts(act.session, row)[-1]
    newest.outcome = ARRIVED if arrived else NOT_ARRIVED
    act.note(row.hold_id, entries.MessageSettled(**_about(row), arrived=arrived, why=reason))
    tell_again(act, row)
    if arrived:
        _sent(row, act.now)
    else:
        row.delivery = Delivery.RETRYING
    return row


def _attempts(session: Session, row: Message) -> list[MessageDelivery]:
    """Return the attempts at the approval that stands, oldest first."""
    query = select(MessageDelivery).where(MessageDelivery.decision_id == row.decision_id)
    return list(session.scalars(query.order_by(MessageDelivery.started_at, MessageDelivery.id)))


def _locked(session: Session, attempt_id: UUID) -> tuple[MessageDelivery, Message]:
    message_id = session.scalars(select(MessageDelivery.message_id).where(MessageDelivery.id == attempt_id)).one()
    row = messages.lock(session, message_id)
    return session.get_one(MessageDelivery, attempt_id), row


def _end(act: Act, row: Message, attempt: MessageDelivery, outcome: str, answer: str) -> None:
    attempt.ended_at, attempt.outcome, attempt.answer = act.now, outcome, answer[:_ANSWER_LIMIT]
    delivery, kind = _DELIVERIES[outcome]
    is_news = delivery is not Delivery.RETRYING or row.delivery_error != attempt.answer
    if delivery is Delivery.SENT:
        _sent(row, act.now)
    else:
        row.delivery, row.delivery_error = delivery, attempt.answer
    if is_news:
        entry = kind(
            **_about(row), recipient=row.recipient, message_id_header=attempt.message_id_header, answer=attempt.answer
        )
        act.by_system.note(row.hold_id, entry)


def _sent(row: Message, now: datetime) -> None:
    row.status, row.delivery, row.delivery_error = MessageStatus.SENT, Delivery.SENT, None
    row.sent_at = row.closed_at = now


class _About(TypedDict):
    message_id: UUID
    kind: MessageKind
    decision_id: str


def _about(row: Message) -> _About:
    return {"message_id": row.id, "kind": row.kind, "decision_id": str(row.decision_id)}
