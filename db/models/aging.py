"""AR aging: each scan that ran, and what it made of every customer above the threshold."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from credit.triggers import Disposition
from db.models.base import Base, JsonObject, states


class ArAgingRun(Base):
    """One scan. `finished_at` is null while it runs, or where its workflow was ended from outside."""

    __tablename__ = "ar_aging_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workflow_id: Mapped[str]
    as_of: Mapped[date]
    requested_by: Mapped[str]
    policy_version: Mapped[int] = mapped_column(ForeignKey("policies.version"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[JsonObject]
    """Disposition -> customers."""

    __table_args__ = (Index("ix_ar_aging_runs_started_at", "started_at"),)


class ArAgingItem(Base):
    """What one scan made of one customer above the threshold, and why."""

    __tablename__ = "ar_aging_items"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("ar_aging_runs.id", ondelete="CASCADE"), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    disposition: Mapped[Disposition] = mapped_column(states(Disposition, "disposition"))
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    facts: Mapped[JsonObject]

    __table_args__ = (Index("ix_ar_aging_items_customer_id", "customer_id"),)
