"""What the API answers with about messages, for its contract."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from credit.states import Delivery, MessageKind, MessageStatus, TextFormat
from desk.api.answers import _AT, _CLAIM, _HOLD, _example

_SUMMARY = {
    "id": _CLAIM,
    "hold_id": _HOLD,
    "customer_id": "1012",
    "customer_name": "Harbour Foods Ltd",
    "kind": "customer_notice",
    "status": "pending_review",
    "revision": 1,
    "recipient": "ap@harbour.example",
    "subject": "Your account 1012",
    "format": "text",
    "drafted_at": _AT,
    "claimed_by": None,
    "claim_expires_at": None,
    "approved_by": None,
    "send_after": None,
    "delivery": None,
    "delivery_error": None,
    "sent_at": None,
}


class MessageSummary(BaseModel):
    """What a list shows of a message."""

    model_config = _example(**_SUMMARY)

    id: UUID
    hold_id: UUID
    customer_id: str
    customer_name: str
    kind: MessageKind
    status: MessageStatus
    revision: int
    recipient: str | None
    subject: str
    format: TextFormat
    drafted_at: datetime
    claimed_by: str | None
    claim_expires_at: datetime | None
    approved_by: str | None
    send_after: datetime | None
    delivery: Delivery | None
    delivery_error: str | None
    sent_at: datetime | None


class MessageList(BaseModel):
    """A page of messages."""

    model_config = _example(messages=[_SUMMARY], unreadable=[], next_cursor=None)

    messages: list[MessageSummary]
    unreadable: list[str] = []
    """Ids of messages that belong here and cannot be shown; the log says why."""
    next_cursor: str | None


class MessageRevision(BaseModel):
    """A message's text at one revision."""

    model_config = _example(
        revision=1,
        subject="Your account 1012",
        body="Dear …",
        recipient="ap@harbour.example",
        format="text",
        editor="service-holds",
        at=_AT,
    )

    revision: int
    subject: str
    body: str
    recipient: str | None
    format: TextFormat
    editor: str
    at: datetime


class MessageDelivery(BaseModel):
    """One attempt to hand the message to the mail server."""

    model_config = _example(started_at=_AT, outcome="accepted", answer="250 OK")

    started_at: datetime
    outcome: str | None
    answer: str | None


class Message(MessageSummary):
    """A message whole."""

    model_config = _example(**_SUMMARY, body="Dear …", revisions=[], deliveries=[], message_id_header=None)

    body: str
    revisions: list[MessageRevision]
    deliveries: list[MessageDelivery]
    message_id_header: str | None


class MessageDecision(BaseModel):
    """A decision that was written. An approved message leaves after `send_after`, unless it is recalled."""

    model_config = _example(id=_CLAIM, decision_id=_HOLD, status="approved", send_after=_AT, delivered=True)

    id: UUID
    decision_id: UUID
    status: MessageStatus
    send_after: datetime | None
    delivered: bool
