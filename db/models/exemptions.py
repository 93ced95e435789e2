"""Customers whom automatic triggers leave alone for a while."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Uuid


class Exemption(Base):
    """An agreed exemption from automatic holds. It ends by itself after `until`, or earlier by a person."""

    __tablename__ = "exemptions"

    id: Mapped[Uuid]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    owner: Mapped[str]
    """Who answers for it."""
    reason: Mapped[str]
    until: Mapped[date]
    """The last day on which it counts."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When a person ended it early."""
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]

    __table_args__ = (
        Index("ix_exemptions_customer_id", "customer_id", "until"),
        CheckConstraint("owner <> '' AND reason <> ''", name="answered_for"),
        CheckConstraint("num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3)", name="ended_whole"),
    )
