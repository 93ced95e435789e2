"""Customers, who sells to them, and their accounting profiles."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from credit.states import EntityStatus
from db.models.base import Base, Money, Stamp, UtcDateTime, states


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
    created_at: Mapped[Stamp]

    sales_rep: Mapped[SalesRep | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("id <> ''", name="id_not_empty"),
        CheckConstraint("netsuite_id <> ''", name="netsuite_id_not_empty"),
        Index("ix_customers_sales_rep_id", "sales_rep_id"),
        Index(
            "ix_customers_search",
            "name",
            "id",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops", "id": "gin_trgm_ops"},
        ),
    )


class AccountingProfile(Base):
    """A customer's credit terms (freight spec, accounting profile). No limit means never exceeded."""

    __tablename__ = "accounting_profiles"

    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    credit_limit: Mapped[Money | None]

    __table_args__ = (CheckConstraint("credit_limit >= 0", name="limit_not_negative"),)
