"""Invoices that somebody posts one by one; files of them come by `db.receivables.ledger_import`."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import Credit, Invoice


class Posted(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    AS_BEFORE = "as before"
    NOT_THEIRS = "not theirs"
    """The number is another customer's invoice, or a credit's: nothing was written."""


def post(
    session: Session, *, invoice_id: str, customer_id: str, due_date: date, amount: Decimal, currency: str
) -> Posted:
    """Write an invoice as it stands now. It is locked; the caller judges the credit limit next.

    Args:
        invoice_id: new or known.
        customer_id: whose it is; an invoice keeps its customer.
        due_date: when it is due.
        amount: what is open of it, in the ledger's currency; 0 closes it.
    """
    if session.scalar(select(Credit.id).where(Credit.id == invoice_id)) is not None:
        return Posted.NOT_THEIRS
    stands = {"due_date": due_date, "amount_open": amount, "source_amount": amount, "source_currency": currency}
    fresh = insert(Invoice).values(id=invoice_id, customer_id=customer_id, **stands)
    if session.scalar(fresh.on_conflict_do_nothing().returning(Invoice.id)) is not None:
        return Posted.NEW
    invoice = session.get_one(Invoice, invoice_id, with_for_update=True, populate_existing=True)
    if invoice.customer_id != customer_id:
        return Posted.NOT_THEIRS
    if (invoice.due_date, invoice.amount_open, invoice.source_currency) == (due_date, amount, currency):
        return Posted.AS_BEFORE
    for column, value in stands.items():
        setattr(invoice, column, value)
    invoice.rate = Decimal(1)
    session.flush()
    return Posted.CHANGED
