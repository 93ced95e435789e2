"""The Credit Hold page, what the credit limit did, and the organisations whose settings say what it may do."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import String

from credit.credit_hold import BlockSource
from credit.credit_limit import LimitCause, LimitState
from db.models.base import Base, Money, Stamp, Uuid, states


class OrgSettings(Base):
    """One organisation's settings (freight spec, LSP Org Settings)."""

    __tablename__ = "org_settings"

    organisation: Mapped[str] = mapped_column(primary_key=True)
    auto_apply_credit_hold: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether a limit that goes from acceptable to exceeded puts the customer on credit hold at once."""
    auto_lift_credit_hold: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether such a block goes by itself when the limit is met again; else a person lifts it."""
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    """Of the content templates."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    updated_by: Mapped[str]
    updated_at: Mapped[Stamp]

    __table_args__ = (CheckConstraint("organisation <> ''", name="named"),)


class CreditHoldEntry(Base):
    """One block on a customer's Credit Hold page; live while `ended_at` is null."""

    __tablename__ = "credit_hold_entries"

    id: Mapped[Uuid]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    source: Mapped[BlockSource] = mapped_column(states(BlockSource, "source"))
    tariffs: Mapped[list[str] | None] = mapped_column(ARRAY(String()))
    """Null for `Block All Tariffs`."""
    note: Mapped[str]
    """Tells other users the reason for the block."""
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    """The service hold that it stands for: only that hold's release ends it."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("tariffs IS NULL OR cardinality(tariffs) > 0", name="names_tariffs"),
        CheckConstraint("tariffs IS NULL OR source = 'manual'", name="only_people_choose_tariffs"),
        CheckConstraint("source <> 'service_hold' OR hold_id IS NOT NULL", name="says_which_hold"),
        CheckConstraint("num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3)", name="ended_whole"),
        Index("ix_credit_hold_entries_live", "customer_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_credit_hold_entries_ended", "customer_id", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index(
            "uq_credit_hold_entries_all_tariffs",
            "customer_id",
            "source",
            unique=True,
            postgresql_where=text("ended_at IS NULL AND tariffs IS NULL AND hold_id IS NULL"),
        ),
        Index("ix_credit_hold_entries_hold_id", "hold_id", postgresql_where=text("hold_id IS NOT NULL")),
    )


class LimitTransition(Base):
    """A credit limit that was crossed, either way. One that applied a block also proposes a service hold."""

    __tablename__ = "limit_transitions"

    id: Mapped[Uuid]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    after: Mapped[LimitState] = mapped_column(states(LimitState, "after"))
    exposure: Mapped[Money]
    credit_limit: Mapped[Money | None]
    cause: Mapped[LimitCause] = mapped_column(states(LimitCause, "cause"))
    actor: Mapped[str]
    at: Mapped[datetime]
    applied: Mapped[bool]
    """Whether it put the customer on credit hold."""
    lifted: Mapped[bool]
    """Whether it took the block away that an earlier one had made."""
    proposed_at: Mapped[datetime | None]
    """When the trigger that it is had reached the customer's hold."""
    tried_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("proposed_at IS NULL OR applied", name="proposed_when_applied"),
        CheckConstraint("NOT applied OR after = 'exceeded'", name="applied_when_exceeded"),
        CheckConstraint("NOT lifted OR after = 'acceptable'", name="lifted_when_acceptable"),
        Index("ix_limit_transitions_customer_id", "customer_id", "at"),
        Index("ix_limit_transitions_unproposed", "at", postgresql_where=text("applied AND proposed_at IS NULL")),
    )
