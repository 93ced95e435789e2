"""What is answered about drafted messages, and about the templates they come from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from credit.states import Delivery, MessageKind, MessageStatus, TextFormat
from db import models, row_by_row
from db.messages import messages
from db.row_by_row import Unreadable
from services.answers import Answer, CustomerId, CustomerName, Login, Time

Subject = Annotated[str, Field(examples=["Your account 1012"])]
Recipient = Annotated[str, Field(examples=["ap@harbour.example"])]


class MessageSummary(Answer):
    """What a list shows of a message."""

    id: UUID
    hold_id: UUID
    customer_id: CustomerId
    customer_name: CustomerName
    kind: MessageKind
    status: MessageStatus
    revision: int
    recipient: Recipient | None
    subject: Subject
    format: TextFormat
    drafted_at: Time
    claimed_by: Login | None
    claim_expires_at: Time | None
    approved_by: Login | None
    decision_id: UUID | None
    send_after: Time | None
    """When an approved one leaves, unless it is recalled."""
    delivery: Delivery | None
    delivery_error: str | None
    sent_at: Time | None
    closed_at: Time | None


class MessageList(Answer):
    """A page of messages."""

    messages: list[MessageSummary]
    unreadable: list[str]
    """Ids of messages that belong here and cannot be shown; the log says why."""
    next_cursor: str | None = None

    @classmethod
    def of(
        cls, session: Session, rows: Sequence[models.Message], now: datetime, next_cursor: str | None = None
    ) -> Self:
        """Show messages in the order given."""
        one = _summaries(session, rows, now)
        built, unreadable = row_by_row.parted(row_by_row.build(rows, one, lambda row: Unreadable(str(row.id))))
        return cls(messages=built, unreadable=unreadable, next_cursor=next_cursor)


class MessageRevision(Answer):
    """A message's text at one revision."""

    revision: int
    subject: Subject
    body: str
    recipient: Recipient | None
    format: TextFormat
    editor: Login
    at: Time


class MessageDelivery(Answer):
    """One attempt to hand the message to the mail server."""

    started_at: Time
    handed_over_at: Time | None
    """When its text was about to end: from then on the server may have taken it, whatever it answered."""
    ended_at: Time | None
    outcome: str | None
    answer: Annotated[str | None, Field(examples=["250 OK"])]
    message_id_header: str


class Message(MessageSummary):
    """A message whole."""

    body: str
    message_id_header: str | None
    """Of the newest delivery."""
    revisions: list[MessageRevision]
    """The oldest first, and so the deliveries."""
    deliveries: list[MessageDelivery]

    @classmethod
    def whole(cls, session: Session, row: models.Message, now: datetime) -> Self:
        """Show everything that is known of a message."""
        summary = _summaries(session, [row], now)(row)
        deliveries = messages.deliveries_of(session, row.id)
        return cls(
            **dict(summary),
            body=row.revisions[-1].body,
            message_id_header=deliveries[-1].message_id_header if deliveries else None,
            revisions=[MessageRevision.of_row(revision) for revision in row.revisions],
            deliveries=[MessageDelivery.of_row(delivery) for delivery in deliveries],
        )


def _summaries(
    session: Session, rows: Sequence[models.Message], now: datetime
) -> Callable[[models.Message], MessageSummary]:
    about = messages.holds_of(session, rows)
    claims = messages.live_claims(session, rows, now)
    approvals = messages.standing_decisions(session, rows)

    def summary(row: models.Message) -> MessageSummary:
        hold, newest, approval = about[row.hold_id], row.revisions[-1], approvals.get(row.id)
        claim = claims.get(row.id) if row.status is MessageStatus.PENDING_REVIEW else None
        return MessageSummary.of_row(
            row,
            customer_id=hold.customer_id,
            customer_name=hold.customer.name,
            subject=newest.subject,
            format=newest.format,
            claimed_by=claim.holder if claim else None,
            claim_expires_at=claim.expires_at if claim else None,
            approved_by=approval.actor if approval else None,
        )

    return summary


class MessageDecision(Answer):
    """A decision that was written. An approved message leaves after `send_after`, unless it is recalled."""

    id: UUID
    """The message's."""
    decision_id: UUID
    status: MessageStatus
    send_after: Time | None
    """The end of the cooling-off; null for a discarded message."""
    delivered: bool
    """Whether the workflow has been told; where not, the relay tells it."""


class Template(Answer):
    """One version of a message template."""

    name: Annotated[str, Field(examples=["service_hold_customer_notice"])]
    organisation: str
    """Empty for everybody's who has none of its own."""
    language: Annotated[str, Field(examples=["en"])]
    version: int
    subject: Annotated[str, Field(examples=["Your account {{ customer_id }}"])]
    body: Annotated[str, Field(examples=["Dear {{ customer_name }}, …"])]
    created_by: Login
    created_at: Time


class Templates(Answer):
    """The version in use of each template."""

    templates: list[Template]


class TemplatePreview(Answer):
    """A template rendered for an invented customer."""

    subject: Subject
    body: str
    html: str
    """How the body looks when it arrives, taken as Markdown."""
