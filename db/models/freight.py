"""What a hold stops: rating with tariffs, new orders, loads past Committed (freight spec)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.credit_hold import LoadStatus, OrderStatus
from db.models.base import Base, JsonList, Money, Stamp, states


class Tariff(Base):
    """A price list by name."""

    __tablename__ = "tariffs"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    currency: Mapped[str]
    updated_by: Mapped[str]
    updated_at: Mapped[Stamp]

    __table_args__ = (CheckConstraint("code <> ''", name="named"),)


class TariffRate(Base):
    """What a tariff asks on one lane. An empty origin or destination stands for any."""

    __tablename__ = "tariff_rates"

    tariff: Mapped[str] = mapped_column(ForeignKey("tariffs.code", ondelete="CASCADE"), primary_key=True)
    origin: Mapped[str] = mapped_column(primary_key=True)
    destination: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[Money]
    transit_days: Mapped[int]

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("transit_days >= 0", name="transit_not_negative"),
    )


class Order(Base):
    """An order; open until it is invoiced or cancelled."""

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    lines: Mapped[JsonList]
    """`[{"description", "quantity", "unit_price"}]`."""
    amount: Mapped[Money]
    """The sum of its lines, in the ledger's currency."""
    prepaid: Mapped[bool]
    status: Mapped[OrderStatus] = mapped_column(states(OrderStatus, "status"), default=OrderStatus.OPEN)
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("(closed_at IS NULL) = (status = 'open')", name="closed_when_over"),
        Index("ix_orders_customer_id", "customer_id", "created_at"),
        Index("ix_orders_created_at", "created_at"),
        Index(
            "ix_orders_open",
            "customer_id",
            postgresql_include=["amount"],
            postgresql_where=text("status = 'open' AND NOT prepaid"),
        ),
    )


class Load(Base):
    """A shipment on its way through its statuses; past Committed only for a customer who is not on hold."""

    __tablename__ = "loads"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    tariff: Mapped[str | None]
    origin: Mapped[str]
    destination: Mapped[str]
    status: Mapped[LoadStatus] = mapped_column(states(LoadStatus, "status"), default=LoadStatus.QUOTED)
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    advanced_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_loads_customer_id", "customer_id", "created_at"),
        Index("ix_loads_created_at", "created_at"),
    )
