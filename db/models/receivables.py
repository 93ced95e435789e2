"""The ledger: open invoices, unapplied credits, disputes, payment plans, and the imports they came from."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.events import DisputeResolution, PlanStatus
from db.models.base import AppendOnly, Base, JsonObject, Money, Stamp, Uuid, states


class Import(AppendOnly, Base):
    """One file that was imported: what it was, and what it changed."""

    __tablename__ = "imports"

    id: Mapped[Uuid]
    file_name: Mapped[str]
    sha256: Mapped[str]
    as_of: Mapped[date | None]
    counts: Mapped[JsonObject]
    actor: Mapped[str]
    at: Mapped[Stamp]


class Invoice(Base):
    """An invoice. It is open while `amount_open` is above zero."""

    __tablename__ = "invoices"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    due_date: Mapped[date]
    amount_open: Mapped[Money]
    """In the ledger's currency."""
    source_amount: Mapped[Money]
    source_currency: Mapped[str]
    rate: Mapped[Decimal] = mapped_column(Numeric(18, 8), default=Decimal(1), server_default="1")

    __table_args__ = (
        CheckConstraint("amount_open >= 0", name="amount_not_negative"),
        CheckConstraint("rate > 0", name="rate_positive"),
        Index(
            "ix_invoices_open",
            "customer_id",
            postgresql_include=["due_date", "amount_open"],
            postgresql_where=text("amount_open > 0"),
        ),
    )


class Credit(Base):
    """An unapplied payment or credit note: lowers what a customer owes, is never overdue."""

    __tablename__ = "credits"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    amount_unapplied: Mapped[Money]
    """In the ledger's currency, above zero while unapplied."""
    source_amount: Mapped[Money]
    source_currency: Mapped[str]
    rate: Mapped[Decimal] = mapped_column(Numeric(18, 8), default=Decimal(1), server_default="1")

    __table_args__ = (
        CheckConstraint("amount_unapplied >= 0", name="amount_not_negative"),
        CheckConstraint("rate > 0", name="rate_positive"),
        Index("ix_credits_customer_id", "customer_id", postgresql_include=["amount_unapplied"]),
    )


class InvoiceDispute(Base):
    """A customer's dispute of one invoice; open while `closed_at` is null. An invoice has one open dispute at most."""

    __tablename__ = "customer_invoice_dispute"

    id: Mapped[Uuid]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(default="")
    source: Mapped[str]
    """Who told us: `import`, or the sender of an event."""
    opened_at: Mapped[Stamp]
    closed_at: Mapped[datetime | None]
    resolution: Mapped[DisputeResolution | None] = mapped_column(states(DisputeResolution, "resolution"))
    """Null for one that is open, or that an import closed."""

    __table_args__ = (
        CheckConstraint("resolution IS NULL OR closed_at IS NOT NULL", name="resolved_when_closed"),
        Index(
            "uq_customer_invoice_dispute_open", "invoice_id", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
        Index("ix_customer_invoice_dispute_customer_id", "customer_id"),
    )


class PaymentPlan(Base):
    """An agreed payment plan; active until `ended_at`. A customer has one active plan at most."""

    __tablename__ = "payment_plans"

    id: Mapped[Uuid]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    note: Mapped[str] = mapped_column(default="")
    agreed_at: Mapped[Stamp]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[PlanStatus | None] = mapped_column(states(PlanStatus, "outcome"))
    """How it ended: kept, broken or ended."""

    @property
    def status(self) -> PlanStatus:
        return PlanStatus.AGREED if self.ended_at is None else self.outcome or PlanStatus.ENDED

    __table_args__ = (
        CheckConstraint("outcome IS NULL OR (ended_at IS NOT NULL AND outcome <> 'agreed')", name="outcome_when_ended"),
        Index("uq_payment_plans_active", "customer_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )
