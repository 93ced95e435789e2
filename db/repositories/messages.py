"""Drafted messages and the templates they come from."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from credit.states import MessageKind, MessageStatus
from db.models import ContentTemplate, Message, MessageRevision


def message_id(hold_id: UUID, kind: MessageKind) -> UUID:
    """Return the id of a hold's message of this kind: the same on every attempt to draft it."""
    return uuid5(hold_id, kind)


def template(session: Session, name: str, language: str = "en") -> ContentTemplate:
    """Return the version of a template in use."""
    query = (
        select(ContentTemplate)
        .where(ContentTemplate.name == name, ContentTemplate.language == language)
        .order_by(ContentTemplate.version.desc())
        .limit(1)
    )
    return session.scalars(query).one()


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
        subject, body = text
        session.add(
            MessageRevision(
                message_id=found,
                revision=1,
                subject=subject,
                body=body,
                recipient=recipient,
                editor="service-holds",
                at=at,
            )
        )
    return found


def of_hold(session: Session, hold_id: UUID) -> list[Message]:
    """Return a hold's messages with their revisions, in drafting order."""
    query = select(Message).where(Message.hold_id == hold_id).options(selectinload(Message.revisions))
    return list(session.scalars(query.order_by(Message.drafted_at, Message.kind)))


def withdraw(session: Session, message: UUID, at: datetime) -> MessageStatus:
    """Withdraw a message that has not left; return the status it has now."""
    row = session.get_one(Message, message, with_for_update=True)
    if row.status in (MessageStatus.PENDING_REVIEW, MessageStatus.APPROVED):
        row.status, row.closed_at = MessageStatus.WITHDRAWN, at
    return row.status
