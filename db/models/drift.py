"""Where NetSuite says something else than this system wants of a record, and what was seen there beside it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.drift import DriftOutcome
from db.models.base import Base, JsonList, Uuid, states


class NetSuiteDrift(Base):
    """One difference, for as long as NetSuite says so. A record has one that stands at most."""

    __tablename__ = "netsuite_drift"

    id: Mapped[Uuid]
    netsuite_id: Mapped[str]
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    """The hold whose value it is; null where NetSuite says ON and no hold here wants it."""
    generation: Mapped[int | None]
    """Of the record's desired state: a later generation is another matter."""
    expected: Mapped[str | None]
    found: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When NetSuite no longer said so, or the value was ordered to be written again."""
    proposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposals.id"))
    """The newest proposal to repair it."""
    settled_at: Mapped[datetime | None]
    outcome: Mapped[DriftOutcome | None] = mapped_column(states(DriftOutcome, "outcome"))
    tried_at: Mapped[datetime | None]
    """When the repair of a released hold was last handed to Temporal."""

    __table_args__ = (
        Index("uq_netsuite_drift_standing", "netsuite_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_netsuite_drift_hold_id", "hold_id"),
        Index("ix_netsuite_drift_repaired", "hold_id", postgresql_where=text("outcome = 'repaired'")),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="outcome_when_settled"),
        CheckConstraint("ended_at IS NULL OR settled_at IS NOT NULL", name="settled_when_ended"),
        CheckConstraint("(hold_id IS NULL) = (expected IS NULL)", name="expected_by_a_hold"),
    )


class NetSuiteReading(Base):
    """What NetSuite would let through, or block, in spite of what a record says: as last seen."""

    __tablename__ = "netsuite_readings"

    netsuite_id: Mapped[str] = mapped_column(primary_key=True)
    gaps: Mapped[JsonList]
    read_at: Mapped[datetime]


class Adoption(Base):
    """A hold that NetSuite had on already: what its release is to write."""

    __tablename__ = "netsuite_adoptions"

    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"), primary_key=True)
    prior: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("prior IN ('AUTO', 'ON', 'OFF')", name="prior_known"),)
