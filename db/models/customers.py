"""Customers, who sells to them, and their accounting profiles."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from credit.credit_hold import CreditStatus
from credit.credit_limit import LimitState
from credit.states import EntityStatus
from db.models.base import Base, Money, Stamp, UtcDateTime, states

ORGANISATION = "main"
"""Whose customers those are that name no organisation."""


class SalesRep(Base):
    """A person who sells to customers; found by e-mail address."""

    __tablename__ = "sales_reps"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")

    __table_args__ = (CheckConstraint("email = lower(email)", name="lower_case"),)


class Customer(Base):
    """A customer. `entitystatus` is what order forms read; it is not NetSuite's `entityStatus` (a lead's stage)."""

    __tablename__ = "customers"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    entitystatus: Mapped[EntityStatus] = mapped_column(
        states(EntityStatus, "entitystatus"), default=EntityStatus.ACTIVE, server_default=EntityStatus.ACTIVE
    )
    last_modified: Mapped[datetime] = mapped_column(UtcDateTime, server_default=func.clock_timestamp())
    netsuite_id: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str | None]
    sales_rep_id: Mapped[int | None] = mapped_column(ForeignKey("sales_reps.id"))
    organisation: Mapped[str] = mapped_column(ForeignKey("org_settings.organisation"), server_default=ORGANISATION)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id"))
    """The parent account, where this is a child account."""
    created_at: Mapped[Stamp]

    sales_rep: Mapped[SalesRep | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("id <> ''", name="id_not_empty"),
        CheckConstraint("netsuite_id <> ''", name="netsuite_id_not_empty"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        Index("ix_customers_sales_rep_id", "sales_rep_id"),
        Index("ix_customers_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index(
            "ix_customers_search",
            "name",
            "id",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops", "id": "gin_trgm_ops"},
        ),
    )


class AccountingProfile(Base):
    """A customer's credit terms, and where it stands against them (freight spec, accounting profile)."""

    __tablename__ = "accounting_profiles"

    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    credit_limit: Mapped[Money | None]
    """None: no limit, which is never exceeded."""
    credit_status: Mapped[CreditStatus] = mapped_column(
        states(CreditStatus, "credit_status"), default=CreditStatus.GOOD, server_default=CreditStatus.GOOD
    )
    """Derived: credit hold while an entry blocks all tariffs."""
    limit_state: Mapped[LimitState | None] = mapped_column(states(LimitState, "limit_state"))
    """As evaluated last; null where it never was."""
    exposure: Mapped[Money | None]
    """What was compared with the limit then."""
    overridden_at: Mapped[datetime | None]
    """Since when the customer is kept out of credit hold though the limit is exceeded (freight spec, override) …"""
    overridden_by: Mapped[str | None]
    override_reason: Mapped[str | None]
    """… by whom and why. Over as soon as the limit is met again."""

    __table_args__ = (
        CheckConstraint("credit_limit >= 0", name="limit_not_negative"),
        CheckConstraint("num_nonnulls(overridden_at, overridden_by, override_reason) IN (0, 3)", name="override_whole"),
        CheckConstraint("overridden_at IS NULL OR limit_state = 'exceeded'", name="override_while_exceeded"),
    )
