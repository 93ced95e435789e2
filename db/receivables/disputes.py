"""Disputes of invoices: opened, closed, and how many there were."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from credit.events import DisputeResolution
from db.models import InvoiceDispute

_IMPORTED = "import"


def open_of(session: Session, invoice_id: str) -> InvoiceDispute | None:
    """Return an invoice's open dispute, locked; None where there is none."""
    query = select(InvoiceDispute).where(InvoiceDispute.invoice_id == invoice_id, InvoiceDispute.closed_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def open_dispute(
    session: Session, *, customer_id: str, invoice_id: str, reason: str, source: str, at: datetime
) -> InvoiceDispute:
    """Open a dispute; the invoice must have no open one."""
    dispute = InvoiceDispute(customer_id=customer_id, invoice_id=invoice_id, reason=reason, source=source, opened_at=at)
    session.add(dispute)
    session.flush()
    return dispute


def close(session: Session, dispute: InvoiceDispute, resolution: DisputeResolution, at: datetime) -> None:
    """Close an open dispute; never before it was opened."""
    dispute.closed_at, dispute.resolution = max(at, dispute.opened_at), resolution
    session.flush()


def ever(session: Session, customer_id: str) -> int:
    """Return how many disputes the customer ever had: its dispute history."""
    query = select(func.count()).select_from(InvoiceDispute).where(InvoiceDispute.customer_id == customer_id)
    return session.scalar(query) or 0


def opened_since(session: Session, customer_id: str, since: datetime) -> int:
    """Return how many disputes were opened since then. Imported ones don't count: nobody knows when they were."""
    query = select(func.count()).where(
        InvoiceDispute.customer_id == customer_id, InvoiceDispute.opened_at > since, InvoiceDispute.source != _IMPORTED
    )
    return session.scalar(query) or 0
