"""Drafted e-mails, their revisions, and the templates they come from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from credit.states import MessageKind, MessageStatus
from db.models.base import Base, Stamp, states


class ContentTemplate(Base):
    """A named text that people may change. The newest version of a name and language is in use."""

    __tablename__ = "content_templates"

    name: Mapped[str] = mapped_column(primary_key=True)
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
    """Null where no address is known: a person fills it in at review."""
    revision: Mapped[int] = mapped_column(default=1)
    template: Mapped[str]
    """`name/language/version` of the template it was drafted from."""
    drafted_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    revisions: Mapped[list["MessageRevision"]] = relationship(lazy="raise", order_by="MessageRevision.revision")

    __table_args__ = (UniqueConstraint("hold_id", "kind"),)


class MessageRevision(Base):
    """The text of a message at one revision; never changed once written."""

    __tablename__ = "message_revisions"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    body: Mapped[str]
    editor: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("revision >= 1", name="revision_counts_from_one"),)
