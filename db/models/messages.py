"""Drafted e-mails, their revisions, and the templates they come from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from credit.states import Delivery, MessageKind, MessageStatus, MessageVerdict, TextFormat
from db.models.base import AppendOnly, Base, Stamp, Uuid, states


class ContentTemplate(AppendOnly, Base):
    """A named text that people may change. The newest version of a name, organisation and language is in use."""

    __tablename__ = "content_templates"

    name: Mapped[str] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(primary_key=True, default="", server_default="")
    """Empty for the one that every organisation without its own uses."""
    language: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    body: Mapped[str]
    """Jinja, rendered in a sandbox with undefined names refused."""
    created_by: Mapped[str]
    created_at: Mapped[Stamp]


class Message(Base):
    """One e-mail drafted by a hold. A hold drafts one of each kind."""

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    kind: Mapped[MessageKind] = mapped_column(states(MessageKind, "kind"))
    status: Mapped[MessageStatus] = mapped_column(states(MessageStatus, "status"))
    recipient: Mapped[str | None]
    """Of the newest revision. Null where no address is known: a person fills it in at review."""
    revision: Mapped[int] = mapped_column(default=1)
    template: Mapped[str]
    """`name/language/version` of the template it was drafted from."""
    drafted_at: Mapped[datetime]
    decision_id: Mapped[UUID | None]
    """The approval that stands; null while pending review, and again after a recall."""
    send_after: Mapped[datetime | None]
    """The end of the cooling-off."""
    delivery: Mapped[Delivery | None] = mapped_column(states(Delivery, "delivery"))
    """Null unless approved."""
    delivery_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    revisions: Mapped[list["MessageRevision"]] = relationship(lazy="raise", order_by="MessageRevision.revision")

    __table_args__ = (
        UniqueConstraint("hold_id", "kind"),
        Index("ix_messages_waiting", "drafted_at", postgresql_where=text("status IN ('pending_review', 'approved')")),
        CheckConstraint("(decision_id IS NOT NULL) = (status IN ('approved', 'sent'))", name="decided_when_approved"),
        CheckConstraint("(delivery IS NOT NULL) = (status IN ('approved', 'sent'))", name="delivery_when_approved"),
        CheckConstraint("(sent_at IS NOT NULL) = (status = 'sent')", name="sent_when_sent"),
    )


class MessageRevision(AppendOnly, Base):
    """The text of a message at one revision; never changed once written."""

    __tablename__ = "message_revisions"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    body: Mapped[str]
    recipient: Mapped[str | None]
    format: Mapped[TextFormat] = mapped_column(
        states(TextFormat, "format"), default=TextFormat.TEXT, server_default=TextFormat.TEXT
    )
    editor: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("revision >= 1", name="revision_counts_from_one"),)


class MessageDecision(Base):
    """What a person decided about one revision of a message. Also the outbox of the `decide` signal to its workflow."""

    __tablename__ = "message_decisions"

    id: Mapped[Uuid]
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"))
    claim_id: Mapped[UUID]
    revision: Mapped[int]
    verdict: Mapped[MessageVerdict] = mapped_column(states(MessageVerdict, "verdict"))
    reason: Mapped[str]
    actor: Mapped[str]
    decided_at: Mapped[datetime]
    signalled_at: Mapped[datetime | None]
    """When the signal was last sent."""
    applied_at: Mapped[datetime | None]
    """When the workflow obeyed, or the approval was recalled."""
    recalled_at: Mapped[datetime | None]
    recalled_by: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(["claim_id", "message_id"], ["claims.id", "claims.message_id"]),
        ForeignKeyConstraint(
            ["message_id", "revision"], ["message_revisions.message_id", "message_revisions.revision"]
        ),
        Index("ix_message_decisions_message_id", "message_id", "decided_at"),
        Index("ix_message_decisions_outbox", "decided_at", postgresql_where=text("applied_at IS NULL")),
    )


class MessageDelivery(Base):
    """One attempt to hand an approved message to the mail server.

    `handed_over_at` is written before the dot that ends the text: an attempt that has it and no `outcome` may have been
    taken, one without it cannot have been.
    """

    __tablename__ = "message_deliveries"

    id: Mapped[Uuid]
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("message_decisions.id"))
    message_id_header: Mapped[str]
    """The same for every attempt at one approval."""
    started_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """`accepted`, `try_later`, `refused`, `unfit`, `unknown`; a person's finding: `arrived`, `not_arrived`."""
    answer: Mapped[str | None]
    """What the mail server said, or what went wrong."""

    __table_args__ = (Index("ix_message_deliveries_message_id", "message_id", "started_at"),)
