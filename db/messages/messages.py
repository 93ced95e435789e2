"""Drafted messages and the templates they come from: draft, read, withdraw.

Reviewing them is `review.py`, sending them `deliveries.py`. Whoever changes a message locks its row
first; the row is the arbiter.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import exists, select, tuple_
from sqlalchemy.orm import Session, joinedload, selectinload

from credit.actors import OwnActor
from credit.audit_entries.messages import MessageWithdrawn
from credit.audit_entries.system import SignalRefused
from credit.mail_text import harmless
from credit.states import ABOUT_THE_HOLD, TO_THE_CUSTOMER, Delivery, HoldStatus, MessageKind, MessageStatus
from credit.untold import Standing
from db import transaction_memory
from db.act import Act
from db.errors import UnknownMessageError
from db.models import Claim, ContentTemplate, Hold, Message, MessageDecision, MessageDelivery, MessageRevision

UNSENT = (MessageStatus.PENDING_REVIEW, MessageStatus.APPROVED)
HOLD_OVER = (HoldStatus.RELEASING, HoldStatus.RELEASED, HoldStatus.DECLINED, HoldStatus.EXPIRED, HoldStatus.WITHDRAWN)
"""A hold that is in one of these needs its messages no more."""
ON_ITS_WAY = (Delivery.SENDING, Delivery.UNKNOWN)
"""It may have left already: neither recalled nor withdrawn."""


def message_id(hold_id: UUID, kind: MessageKind) -> UUID:
    """Return the id of a hold's message of this kind: the same on every attempt to draft it."""
    return uuid5(hold_id, kind)


def draft(
    session: Session,
    *,
    hold_id: UUID,
    kind: MessageKind,
    recipient: str | None,
    source: ContentTemplate,
    text: tuple[str, str],
    at: datetime,
) -> UUID:
    """Write a message's first revision, pending review; the second call for a hold and kind changes nothing."""
    found = message_id(hold_id, kind)
    if session.get(Message, found) is None:
        session.add(
            Message(
                id=found,
                hold_id=hold_id,
                kind=kind,
                status=MessageStatus.PENDING_REVIEW,
                recipient=recipient,
                revision=1,
                template=f"{source.name}/{source.language}/{source.version}",
                drafted_at=at,
            )
        )
        session.flush()
        subject, body = text  # a name from the ledger may stand in the subject
        session.add(
            MessageRevision(
                message_id=found,
                revision=1,
                subject=harmless(subject),
                body=body,
                recipient=recipient,
                editor="service-holds",
                at=at,
            )
        )
    return found


# --- read ---------------------------------------------------------------------------------------------------------


def find(session: Session, wanted: UUID) -> Message:
    """Return a message with its revisions.

    Raises:
        UnknownMessageError: there is none.
    """
    query = select(Message).where(Message.id == wanted).options(selectinload(Message.revisions))
    message = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if message is None:
        raise UnknownMessageError(str(wanted))
    return message


def lock(session: Session, wanted: UUID) -> Message:
    """Return a message's row, locked: every change of it takes this lock first.

    Raises:
        UnknownMessageError: there is none.
    """
    row = transaction_memory.locked(session, Message, wanted)
    if row is None:
        raise UnknownMessageError(str(wanted))
    return row


def of_hold(session: Session, hold_id: UUID) -> list[Message]:
    """Return a hold's messages with their revisions, in drafting order."""
    query = select(Message).where(Message.hold_id == hold_id).options(selectinload(Message.revisions))
    return list(session.scalars(query.order_by(Message.drafted_at, Message.kind)))


def standing(session: Session, hold_ids: Sequence[UUID]) -> dict[UUID, list[Standing]]:
    """Return where the messages to the customers of these holds stand."""
    query = select(Message.hold_id, Message.id, Message.kind, Message.status).where(
        Message.hold_id.in_(hold_ids), Message.kind.in_(TO_THE_CUSTOMER)
    )
    found: dict[UUID, list[Standing]] = {}
    for hold_id, message_id, kind, status in session.execute(query):
        found.setdefault(hold_id, []).append(Standing(message_id, kind, status))
    return found


def left(session: Session, row: Message, now: datetime) -> timedelta:
    """Return how much longer an approved message cools off, at the workflow's `now`; nothing or less for no longer.

    Two clocks are never compared: the span counts from when its workflow heard of the approval.
    """
    if row.delivery is not Delivery.COOLING_OFF or row.send_after is None:
        return timedelta(0)
    approved = session.get_one(MessageDecision, row.decision_id)
    return row.send_after - approved.decided_at - (now - (approved.applied_at or approved.decided_at))


def unsent_of(session: Session, hold_id: UUID) -> list[UUID]:
    """Return the ids of a hold's messages that have not left: those to withdraw when it ends."""
    unsent = (Message.hold_id == hold_id, Message.status.in_(UNSENT), Message.kind.in_(ABOUT_THE_HOLD))
    return list(session.scalars(select(Message.id).where(*unsent).order_by(Message.kind)))


def listed(
    session: Session,
    status: MessageStatus | None = None,
    limit: int = 1000,
    *,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[Message]:
    """Return messages with their revisions, oldest first: those in `status`, or every unsent one.

    Args:
        status: only these; None for every one that is neither sent nor given up.
        after: `drafted_at` and id of the last message of the page before.
    """
    query = select(Message).where(Message.status == status if status else Message.status.in_(UNSENT))
    if after is not None:
        query = query.where(tuple_(Message.drafted_at, Message.id) > after)
    query = query.options(selectinload(Message.revisions)).order_by(Message.drafted_at, Message.id)
    return session.scalars(query.limit(limit)).all()


def holds_of(session: Session, rows: Sequence[Message]) -> dict[UUID, Hold]:
    """Return the holds of these messages by their ids, with their customers."""
    query = select(Hold).where(Hold.id.in_({row.hold_id for row in rows})).options(joinedload(Hold.customer))
    return {hold.id: hold for hold in session.scalars(query)}


def live_claims(session: Session, rows: Sequence[Message], now: datetime) -> dict[UUID, Claim]:
    """Return who is reviewing which of these messages right now, by message id."""
    query = select(Claim).where(
        Claim.message_id.in_([row.id for row in rows]), Claim.released_at.is_(None), Claim.expires_at > now
    )
    return {claim.message_id: claim for claim in session.scalars(query) if claim.message_id is not None}


def standing_decisions(session: Session, rows: Sequence[Message]) -> dict[UUID, MessageDecision]:
    """Return the approvals that stand for these messages, by message id."""
    wanted = [row.decision_id for row in rows if row.decision_id is not None]
    query = select(MessageDecision).where(MessageDecision.id.in_(wanted))
    return {decision.message_id: decision for decision in session.scalars(query)}


def deliveries_of(session: Session, message: UUID) -> Sequence[MessageDelivery]:
    """Return every attempt to hand a message to the mail server, oldest first."""
    query = select(MessageDelivery).where(MessageDelivery.message_id == message)
    return session.scalars(query.order_by(MessageDelivery.started_at, MessageDelivery.id)).all()


# --- withdraw -----------------------------------------------------------------------------------------------------


def why_not_to_leave(session: Session, message: Message) -> str | None:
    """Return what has made a message untrue meanwhile: the end of its hold, or a new hold after the end it tells of."""
    hold = session.get_one(Hold, message.hold_id)
    if message.kind in ABOUT_THE_HOLD:
        return "its hold is over" if hold.status in HOLD_OVER else None
    holding = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)
    again = exists().where(Hold.customer_id == hold.customer_id, Hold.id != hold.id, Hold.status.in_(holding))
    return "a new hold of the customer is in force" if session.scalar(select(again)) else None


def withdraw(act: Act, message: UUID) -> MessageStatus:
    """Withdraw a message that has not left and is not to leave any more; return the status it has now.

    The record says whether it is (`why_not_to_leave`), not whoever asks: otherwise this is refused and audited.
    """
    row = lock(act.session, message)
    if row.status not in UNSENT:
        return row.status
    overtaken = why_not_to_leave(act.session, row)
    if overtaken is None:
        why = "the record says that the hold of this message is not over"
    elif row.delivery in ON_ITS_WAY:
        why = f"the message may have left already: {row.delivery}"
    else:
        withdraw_now(act, row, overtaken)
        return row.status
    act.by(OwnActor.UNKNOWN).note(row.hold_id, SignalRefused(signal="withdraw", message_id=row.id, why=why))
    return row.status


def withdraw_left(act: Act, hold_id: UUID) -> None:
    """Withdraw the messages of a hold that is over, whose workflows need not be there to do it themselves."""
    for message in unsent_of(act.session, hold_id):
        row = lock(act.session, message)
        if row.status in UNSENT and row.delivery not in ON_ITS_WAY:
            withdraw_now(act, row, "its hold is over")


def withdraw_now(act: Act, row: Message, why: str) -> None:
    """End a locked message that is not to leave any more."""
    if row.decision_id is not None:
        decision = act.session.get_one(MessageDecision, row.decision_id)
        decision.applied_at = decision.applied_at or act.now
    close_unsent(row, MessageStatus.WITHDRAWN, act.now)
    entry = MessageWithdrawn(message_id=row.id, kind=row.kind, revision=row.revision, why=why)
    act.by_system.note(row.hold_id, entry)


def close_unsent(row: Message, status: MessageStatus, now: datetime) -> None:
    """Give a locked message this status, with no approval standing; it is over unless the status is pending review."""
    row.status = status
    row.decision_id = row.send_after = row.delivery = row.delivery_error = None
    row.closed_at = now if status not in UNSENT else None
