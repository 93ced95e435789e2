"""What came in from outside, and the rows it wrote: payments, promises, instalments, predictions, advice to people."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.events import ActionKind, ActionStatus, EventKind, EventOutcome, PromiseOutcome
from credit.health import Risk
from db.models.base import AppendOnly, Base, JsonList, JsonObject, Money, Uuid, states


class InboundEvent(Base):
    """One event a sender told us, under the sender's own id. Also the outbox of what its hold is told."""

    __tablename__ = "inbound_events"

    source: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    """The sender's: the same once more changes nothing and is answered the same."""
    kind: Mapped[EventKind] = mapped_column(states(EventKind, "kind"))
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    payload: Mapped[JsonObject]
    received_at: Mapped[datetime]
    outcome: Mapped[EventOutcome | None] = mapped_column(states(EventOutcome, "outcome"))
    """Null only within the transaction that takes the event."""
    why: Mapped[str] = mapped_column(default="", server_default="")
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    """The hold that was open when the event came."""
    tell: Mapped[JsonList]
    """The signals for the customer's hold, in order: `[{"signal": name, "payload": {…}}]`."""
    tried_at: Mapped[datetime | None]
    """When telling the hold was last tried."""
    handled_at: Mapped[datetime | None]
    """When what the signals ask for was seen to be there; at once where there is none."""
    noted: Mapped[int | None] = mapped_column(BigInteger)
    """The newest row of the hold's record when the event was taken: a look that noted it has seen the event."""

    __table_args__ = (
        CheckConstraint("id <> ''", name="id_not_empty"),
        Index("ix_inbound_events_customer_id", "customer_id", "received_at"),
        Index("ix_inbound_events_outbox", "received_at", postgresql_where=text("handled_at IS NULL")),
    )


class Payment(AppendOnly, Base):
    """Money received, posted once: to one invoice, or to the oldest ones; the rest is a credit."""

    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The payment's own number, wherever it was received."""
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    invoice_id: Mapped[str | None]
    """The invoice that the payer named."""
    amount: Mapped[Money]
    amount_unapplied: Mapped[Money]
    """What was left over, and became the credit `payment/<id>`."""
    currency: Mapped[str]
    paid_on: Mapped[date]
    received_at: Mapped[datetime]
    applied: Mapped[JsonList]
    """`[{"invoice_id", "amount"}]`: what was posted where."""

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("amount_unapplied BETWEEN 0 AND amount", name="amount_unapplied_within"),
        Index("ix_payments_customer_id", "customer_id", "received_at"),
    )


class PaymentPlanInstalment(Base):
    """One instalment of a payment plan: due, then paid or missed."""

    __tablename__ = "payment_plan_instalments"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("payment_plans.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Counts from 1, in the order of due dates."""
    due_date: Mapped[date]
    amount: Mapped[Money]
    paid_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("number >= 1", name="number_counts_from_one"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("paid_at IS NULL OR missed_at IS NULL", name="paid_or_missed"),
    )


class PromiseToPay(Base):
    """A customer's word to pay an amount by a day; unsettled until `settled_at`. A customer has one such at most."""

    __tablename__ = "promises_to_pay"

    id: Mapped[Uuid]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    """The hold that was open when it was made."""
    amount: Mapped[Money]
    promised_for: Mapped[date]
    """The last day on which it can be kept."""
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[PromiseOutcome | None] = mapped_column(states(PromiseOutcome, "outcome"))

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="outcome_when_settled"),
        Index("uq_promises_to_pay_open", "customer_id", unique=True, postgresql_where=text("settled_at IS NULL")),
        Index("ix_promises_to_pay_customer_id", "customer_id", "made_at"),
    )


class ProposedAction(Base):
    """Advice to a person: to review a customer's receivables, or the hold in force because of a dispute."""

    __tablename__ = "proposed_actions"

    id: Mapped[Uuid]
    kind: Mapped[ActionKind] = mapped_column(states(ActionKind, "kind"))
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    dispute_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer_invoice_dispute.id", ondelete="SET NULL"))
    """The dispute that staged it."""
    status: Mapped[ActionStatus] = mapped_column(states(ActionStatus, "status"))
    detail: Mapped[str]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(settled_at IS NULL) = (status = 'staged')", name="settled_when_not_staged"),
        Index("ix_proposed_actions_customer_id", "customer_id", "created_at"),
        Index("ix_proposed_actions_hold_id", "hold_id"),
    )


class RiskEvent(AppendOnly, Base):
    """A prediction of a customer's health, kept also where it proposed nothing."""

    __tablename__ = "risk_events"

    id: Mapped[Uuid]
    source: Mapped[str]
    event_id: Mapped[str]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    risk: Mapped[Risk] = mapped_column(states(Risk, "risk"))
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    """0 to 1, as the model gave it."""
    model: Mapped[str]
    reason: Mapped[str]
    predicted_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    disputes_before: Mapped[int]
    """How many disputes the customer had ever had: the history that makes a high risk a trigger."""
    proposed: Mapped[bool]

    __table_args__ = (
        ForeignKeyConstraint(["source", "event_id"], ["inbound_events.source", "inbound_events.id"]),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_a_share"),
        Index("ix_risk_events_customer_id", "customer_id", "recorded_at"),
    )
