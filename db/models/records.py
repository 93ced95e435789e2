"""What is kept of decisions and deeds: policy versions, audit, and the memory that the next proposal reads."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from credit.states import Verdict
from db.models.base import AppendOnly, Base, JsonObject, Stamp, Uuid, states


class PolicyVersion(AppendOnly, Base):
    """One version of `credit.policy.Policy`; the newest is in force. Versions are never changed."""

    __tablename__ = "policies"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    settings: Mapped[JsonObject]
    note: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[Stamp]

    __table_args__ = (CheckConstraint("version >= 1", name="version_counts_from_one"),)


class WorkflowDefinition(AppendOnly, Base):
    """The contract of a workflow as the service-hold spec states it."""

    __tablename__ = "workflow_definitions"

    workflow_type: Mapped[str] = mapped_column(primary_key=True)
    risk_level: Mapped[int]
    """1 to 5; 4 is high."""
    expected_duration_minutes: Mapped[int]
    trigger: Mapped[str]
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))


class AutoDecision(AppendOnly, Base):
    """A decision as memory: the next proposal for the same customer shows it."""

    __tablename__ = "auto_decisions"

    id: Mapped[Uuid]
    workflow_type: Mapped[str] = mapped_column(ForeignKey("workflow_definitions.workflow_type"))
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decisions.id"), unique=True)
    verdict: Mapped[Verdict] = mapped_column(states(Verdict, "verdict"))
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]
    facts: Mapped[JsonObject]
    """The facts that were true when the decision took effect."""
    policy_version: Mapped[int] = mapped_column(ForeignKey("policies.version"))

    __table_args__ = (Index("ix_auto_decisions_customer_id", "customer_id", "decided_at"),)


class ReflexionLog(AppendOnly, Base):
    """A lesson row, found by its tags: `service_hold,customer:<id>`."""

    __tablename__ = "reflexion_log"

    id: Mapped[Uuid]
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    event: Mapped[str]
    tags: Mapped[str]
    entry: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("hold_id", "event"), Index("ix_reflexion_log_tags", "tags"))


class AuditEvent(AppendOnly, Base):
    """Who did what, when and why. Append-only (a trigger refuses the rest); each chain is linked by hashes."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    chain: Mapped[str]
    """The hold's id, or `system` for what belongs to none: holds do not queue behind each other."""
    seq: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[JsonObject]
    prev_hash: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index("ix_audit_events_at", "at"),
        Index("ix_audit_events_actor", "actor", "id"),
        Index("ix_audit_events_action", "action", "id"),
        Index(
            "uq_audit_events_once",
            "chain",
            text("(detail ->> 'once')"),
            unique=True,
            postgresql_where=text("(detail ->> 'once') IS NOT NULL"),
        ),
    )


class AuditAnchor(AppendOnly, Base):
    """What the anchor file held when heads had been written down there: all of it is still there, or it was changed."""

    __tablename__ = "audit_anchors"

    lines: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """How many lines it had."""
    digest: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of the last one, without its line feed."""
    at: Mapped[datetime]
