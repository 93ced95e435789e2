"""What NetSuite should say of each customer record, and the pushes that make it say so."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Uuid


class NetSuiteRecord(Base):
    """The desired state of one NetSuite customer record's `creditHoldOverride`."""

    __tablename__ = "netsuite_records"

    netsuite_id: Mapped[str] = mapped_column(primary_key=True)
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    """The hold that wants this state."""
    desired: Mapped[str]
    generation: Mapped[int]
    """Rises with each new desired state; a push that carries an older one does nothing."""
    prior: Mapped[str | None]
    """What NetSuite said before the first write of this hold: written once, restored by the release."""
    value: Mapped[str | None]
    """What NetSuite said when last read."""
    restore_confirmed: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether a person said that the prior value is to be written whatever NetSuite says: a repair that was ordered."""
    restore_asked: Mapped[str | None]
    """What NetSuite said when a person was asked whether to write over it; null where nothing is to be answered."""
    restore_over: Mapped[str | None]
    """What a person, asked about it, let the prior value be written over."""
    read_back_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_netsuite_records_hold_id", "hold_id"),
        CheckConstraint("desired IN ('AUTO', 'ON', 'OFF')", name="desired_known"),
        CheckConstraint("prior IN ('AUTO', 'ON', 'OFF')", name="prior_known"),
        CheckConstraint("value IN ('AUTO', 'ON', 'OFF')", name="value_known"),
    )


class NetSuitePush(Base):
    """One attempt to write a generation to NetSuite: sent, then known to have worked, failed, or neither."""

    __tablename__ = "netsuite_pushes"

    id: Mapped[Uuid]
    netsuite_id: Mapped[str] = mapped_column(ForeignKey("netsuite_records.netsuite_id"))
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    generation: Mapped[int]
    value: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """`written`, `already_set`, or the error; null while unknown."""

    __table_args__ = (Index("ix_netsuite_pushes_netsuite_id", "netsuite_id", "started_at"),)
