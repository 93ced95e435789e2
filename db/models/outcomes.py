"""What is let through in spite of a hold."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.outcomes import ExceptionScope
from db.models.base import Base, Uuid, states


class HoldException(Base):
    """One order or load that a hold in force lets through until a day. It ends by itself, or earlier by a person."""

    __tablename__ = "hold_exceptions"

    id: Mapped[Uuid]
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    scope: Mapped[ExceptionScope] = mapped_column(states(ExceptionScope, "scope"))
    reference: Mapped[str]
    """The order's or the load's id."""
    reason: Mapped[str]
    until: Mapped[date]
    """The last day on which it counts, where the policy's calendar is."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When a person ended it early."""
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]

    __table_args__ = (
        Index("ix_hold_exceptions_hold_id", "hold_id", "until"),
        Index("ix_hold_exceptions_reference", "reference", "scope", postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("reference <> '' AND reason <> ''", name="says_what_and_why"),
        CheckConstraint("num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3)", name="ended_whole"),
    )
