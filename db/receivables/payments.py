"""Payments: posted once, to the named invoice or the oldest ones, never below zero; the rest is a credit."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BindParameter, ScalarSelect, func, select
from sqlalchemy.orm import Session

from db.models import Credit, Invoice, Payment

_REST = "payment/"
"""How the id of a credit begins that is the rest of a payment."""


def find(session: Session, payment_id: str) -> Payment | None:
    """Return a payment; None where it was not posted yet."""
    return session.get(Payment, payment_id)


def invoice_of(session: Session, customer_id: str, invoice_id: str) -> Invoice | None:
    """Return the customer's invoice; None where it is unknown, or somebody else's."""
    query = select(Invoice).where(Invoice.id == invoice_id, Invoice.customer_id == customer_id)
    return session.scalars(query).one_or_none()


def post(
    session: Session,
    *,
    payment_id: str,
    customer_id: str,
    invoice_id: str | None,
    amount: Decimal,
    currency: str,
    paid_on: date,
    now: datetime,
) -> Payment:
    """Post a payment. Its invoices are locked, so that payments at the same moment come one after the other.

    Args:
        payment_id: new; the caller looked.
        customer_id: whose it is.
        invoice_id: of this customer; None for the oldest due first.
        amount: above zero, in the ledger's currency.
        paid_on: when the customer paid.
        now: when we heard of it.
    """
    query = select(Invoice).where(Invoice.customer_id == customer_id, Invoice.amount_open > 0)
    if invoice_id is not None:
        query = query.where(Invoice.id == invoice_id)
    left, applied = amount, []
    ordered = query.order_by(Invoice.due_date, Invoice.id).with_for_update()
    for invoice in session.scalars(ordered.execution_options(populate_existing=True)):
        if not left:
            break
        part = min(left, invoice.amount_open)
        invoice.amount_open -= part
        left -= part
        applied.append({"invoice_id": invoice.id, "amount": f"{part:.2f}"})
    payment = Payment(
        id=payment_id,
        customer_id=customer_id,
        invoice_id=invoice_id,
        amount=amount,
        amount_unapplied=left,
        currency=currency,
        paid_on=paid_on,
        received_at=now,
        applied=applied,
    )
    session.add(payment)
    if left:
        session.add(
            Credit(
                id=f"{_REST}{payment_id}",
                customer_id=customer_id,
                amount_unapplied=left,
                source_amount=left,
                source_currency=currency,
            )
        )
    session.flush()
    return payment


def received(customer_id: BindParameter[str]) -> ScalarSelect[Decimal]:
    """Return the query for all that the customer ever paid us, as we heard of it."""
    query = select(func.coalesce(func.sum(Payment.amount), Decimal(0))).where(Payment.customer_id == customer_id)
    return query.scalar_subquery()


def credited(customer_id: BindParameter[str]) -> ScalarSelect[Decimal]:
    """Return the query for the customer's unapplied credits, without the rests of payments: `received` has those."""
    query = select(func.coalesce(func.sum(Credit.amount_unapplied), Decimal(0))).where(
        Credit.customer_id == customer_id, Credit.amount_unapplied > 0, ~Credit.id.startswith(_REST, autoescape=True)
    )
    return query.scalar_subquery()


def received_since(session: Session, customer_id: str, since: datetime, paid_until: date | None = None) -> Decimal:
    """Return what the customer paid that we heard of after `since`, and that was paid by the day `paid_until`."""
    query = select(func.coalesce(func.sum(Payment.amount), Decimal(0))).where(
        Payment.customer_id == customer_id, Payment.received_at > since
    )
    if paid_until is not None:
        query = query.where(Payment.paid_on <= paid_until)
    return session.scalars(query).one()
