"""What people and chat tools are to be told: an outbox, written with what it tells of."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.states import NotificationChannel, NotificationEvent
from db.models.base import Base, JsonObject, Uuid, states

_WAITS = "sent_at IS NULL AND given_up_at IS NULL"


class Notification(Base):
    """One thing to tell one recipient. The notifier sends it until it was taken, or gives it up."""

    __tablename__ = "notifications"

    id: Mapped[Uuid]
    key: Mapped[str]
    """What happened, such as `proposal/<id>`: nobody is told twice of the same."""
    channel: Mapped[NotificationChannel] = mapped_column(states(NotificationChannel, "channel"))
    recipient: Mapped[str]
    """An e-mail address; for the webhook its name."""
    event: Mapped[NotificationEvent] = mapped_column(states(NotificationEvent, "event"))
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    payload: Mapped[JsonObject]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    """When it was found that it can never be told; `last_error` says why."""
    last_error: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("key", "channel", "recipient"),
        Index("ix_notifications_hold_id", "hold_id"),
        Index("ix_notifications_outbox", "created_at", postgresql_where=text(_WAITS)),
        CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name="sent_or_given_up"),
    )
