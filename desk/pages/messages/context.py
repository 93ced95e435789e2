"""What the page of a message shows, read in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from credit.policy import Policy
from credit.states import MESSAGE_MOVES, Delivery, MessageStatus
from db import policies
from db.messages import messages
from db.models import Claim, Hold, Message, MessageDecision, MessageDelivery, MessageRevision
from db.receivables import customer_page
from rendering.differences import Piece
from rendering.texts import difference

_ON_ITS_WAY = (Delivery.SENDING, Delivery.RETRYING)


@dataclass(frozen=True)
class Difference:
    """What differs between two revisions; a field that is the same is left out."""

    before: MessageRevision
    after: MessageRevision
    subject: list[Piece]
    body: list[Piece]
    recipient: list[Piece]

    @property
    def is_empty(self) -> bool:
        return not (self.subject or self.body or self.recipient or self.before.format != self.after.format)


@dataclass(frozen=True)
class MessagePage:
    message: Message
    text: MessageRevision
    """The newest revision."""
    hold: Hold
    claim: Claim | None
    decision: MessageDecision | None
    deliveries: Sequence[MessageDelivery]
    policy: Policy
    now: datetime

    @property
    def under_review(self) -> bool:
        return self.message.status is MessageStatus.PENDING_REVIEW

    @property
    def header(self) -> str:
        """The Message-ID, once there is one."""
        return self.deliveries[-1].message_id_header if self.deliveries else ""

    @property
    def poll_seconds(self) -> int | None:
        """How often the page asks what is new; None where nothing will be."""
        if self.message.status not in MESSAGE_MOVES:
            return None
        if self.message.delivery in _ON_ITS_WAY:
            return 2
        return 5

    def difference(self, before: int, after: int) -> Difference | None:
        """Return what differs between two revisions; None where one of them is not there. It blocks."""
        found = {one.revision: one for one in self.message.revisions}
        if before not in found or after not in found:
            return None
        old, new = found[before], found[after]
        return Difference(
            old,
            new,
            _changed(old.subject, new.subject),
            _changed(old.body, new.body),
            _changed(old.recipient or "", new.recipient or ""),
        )


def _changed(before: str, after: str) -> list[Piece]:
    return difference(before, after) if before != after else []


def read(session: Session, message_id: UUID, now: datetime) -> MessagePage:
    """Read a message.

    Raises:
        UnknownMessageError: there is none.
    """
    message = messages.find(session, message_id)
    _, policy = policies.current(session)
    return MessagePage(
        message=message,
        text=message.revisions[-1],
        hold=messages.holds_of(session, [message])[message.hold_id],
        claim=messages.live_claims(session, [message], now).get(message_id),
        decision=customer_page.last_message_decision(session, message_id),
        deliveries=messages.deliveries_of(session, message_id),
        policy=policy,
        now=now,
    )
