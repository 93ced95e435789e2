"""Who is away, and who stands in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Uuid


class Absence(Base):
    """A person's absence: from `starts_at` until `ends_at`, or `ended_at` if that is earlier, somebody stands in."""

    __tablename__ = "absences"

    id: Mapped[Uuid]
    login: Mapped[str] = mapped_column(ForeignKey("users.login"))
    """Who is away."""
    delegate: Mapped[str] = mapped_column(ForeignKey("users.login"))
    """Who stands in."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """The first moment that does not count any more."""
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When a person ended it early, or called it off before it began."""

    __table_args__ = (
        Index("ix_absences_login", "login", "ends_at"),
        Index("ix_absences_delegate", "delegate", "ends_at"),
        CheckConstraint("delegate <> login", name="somebody_else_stands_in"),
        CheckConstraint("ends_at > starts_at", name="lasts"),
        CheckConstraint("ends_at - starts_at <= interval '366 days'", name="lasts_a_year_at_most"),
        CheckConstraint("reason <> ''", name="says_why"),
    )
