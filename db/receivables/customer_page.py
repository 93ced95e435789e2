"""What the pages about a customer and a hold show beside the holds' own rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import Session

from credit.states import HoldStatus
from db.errors import UnknownRunError
from db.models import (
    AccountingProfile,
    Approval,
    ArAgingItem,
    ArAgingRun,
    Credit,
    Customer,
    Decision,
    Hold,
    Invoice,
    InvoiceDispute,
    MessageDecision,
    NetSuitePush,
    PromiseToPay,
    RiskEvent,
)

_BUCKETS = ((0, "Not due yet"), (30, "1–30 days"), (60, "31–60 days"), (90, "61–90 days"), (None, "Over 90 days"))
"""Days overdue up to which a bucket reaches, and its name: the five of every AR aging report."""


class Bucket(BaseModel):
    """One column of the aging: what is open by how late it is."""

    model_config = ConfigDict(frozen=True)

    label: str
    invoices: int
    amount: Decimal


@dataclass(frozen=True)
class InvoiceRow:
    """An open invoice as the pages list it."""

    id: str
    due_date: date
    days_overdue: int
    amount_open: Decimal
    source_amount: Decimal
    source_currency: str
    disputed: bool


@dataclass(frozen=True)
class PastHold:
    """A hold of the customer, with the decision that settled it last."""

    id: UUID
    status: HoldStatus
    reason: str
    proposed_at: datetime
    in_force_at: datetime | None
    closed_at: datetime | None
    decision: Decision | None


def buckets(session: Session, customer_id: str, as_of: date) -> list[Bucket]:
    """Return the customer's open invoices by days overdue on `as_of`, the not yet due first; credits are not in it."""
    days = literal(as_of) - Invoice.due_date
    number = case(
        *((days <= upper, place) for place, (upper, _) in enumerate(_BUCKETS) if upper is not None),
        else_=len(_BUCKETS) - 1,
    )
    query = (
        select(number.label("place"), func.count(), func.sum(Invoice.amount_open))
        .where(Invoice.customer_id == customer_id, Invoice.amount_open > 0)
        .group_by("place")
    )
    found = {place: (count, amount) for place, count, amount in session.execute(query)}
    return [
        Bucket(label=label, invoices=found.get(place, (0, 0))[0], amount=found.get(place, (0, Decimal(0)))[1])
        for place, (_, label) in enumerate(_BUCKETS)
    ]


def invoices(session: Session, customer_id: str, as_of: date, *, limit: int = 50, offset: int = 0) -> list[InvoiceRow]:
    """Return open invoices, the oldest due date first."""
    disputed = (
        select(InvoiceDispute.id)
        .where(InvoiceDispute.invoice_id == Invoice.id, InvoiceDispute.closed_at.is_(None))
        .exists()
    )
    query = (
        select(Invoice, disputed)
        .where(Invoice.customer_id == customer_id, Invoice.amount_open > 0)
        .order_by(Invoice.due_date, Invoice.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        InvoiceRow(
            id=row.id,
            due_date=row.due_date,
            days_overdue=max((as_of - row.due_date).days, 0),
            amount_open=row.amount_open,
            source_amount=row.source_amount,
            source_currency=row.source_currency,
            disputed=is_disputed,
        )
        for row, is_disputed in session.execute(query)
    ]


def disputes(session: Session, customer_id: str) -> Sequence[tuple[InvoiceDispute, Invoice]]:
    """Return the open disputes with their invoices, the oldest first."""
    query = (
        select(InvoiceDispute, Invoice)
        .join(Invoice, Invoice.id == InvoiceDispute.invoice_id)
        .where(InvoiceDispute.customer_id == customer_id, InvoiceDispute.closed_at.is_(None))
        .order_by(InvoiceDispute.opened_at)
        .limit(50)
    )
    return [(dispute, invoice) for dispute, invoice in session.execute(query)]


def promises(session: Session, customer_id: str, limit: int = 20) -> Sequence[PromiseToPay]:
    """Return promises to pay, the newest first."""
    query = select(PromiseToPay).where(PromiseToPay.customer_id == customer_id)
    return session.scalars(query.order_by(PromiseToPay.made_at.desc()).limit(limit)).all()


def risk_events(session: Session, customer_id: str, limit: int = 20) -> Sequence[RiskEvent]:
    """Return predictions of the customer's health, the newest first."""
    query = select(RiskEvent).where(RiskEvent.customer_id == customer_id)
    return session.scalars(query.order_by(RiskEvent.recorded_at.desc()).limit(limit)).all()


def credits_of(session: Session, customer_id: str) -> Sequence[Credit]:
    """Return unapplied payments and credit notes, the largest first."""
    query = select(Credit).where(Credit.customer_id == customer_id, Credit.amount_unapplied > 0)
    return session.scalars(query.order_by(Credit.amount_unapplied.desc(), Credit.id).limit(50)).all()


def profile(session: Session, customer_id: str) -> AccountingProfile | None:
    """Return the credit terms; None where none were agreed."""
    return session.get(AccountingProfile, customer_id)


def past_holds(session: Session, customer_id: str, *, but: UUID | None = None, limit: int = 20) -> list[PastHold]:
    """Return the customer's holds, the newest first, leaving out the hold `but`."""
    query = select(Hold).where(Hold.customer_id == customer_id).order_by(Hold.proposed_at.desc()).limit(limit)
    rows = session.scalars(query if but is None else query.where(Hold.id != but)).all()
    decided = select(Decision).where(Decision.hold_id.in_([row.id for row in rows])).order_by(Decision.decided_at)
    last = {decision.hold_id: decision for decision in session.scalars(decided)}
    return [
        PastHold(row.id, row.status, row.reason, row.proposed_at, row.in_force_at, row.closed_at, last.get(row.id))
        for row in rows
    ]


def first_approval(session: Session, proposal_id: UUID, revision: int) -> Approval | None:
    """Return the first of two approvals of this revision."""
    return session.get(Approval, (proposal_id, revision))


def pushes(session: Session, hold_id: UUID, netsuite_id: str, limit: int = 50) -> Sequence[NetSuitePush]:
    """Return the attempts to write a hold to its NetSuite record, the newest first."""
    query = select(NetSuitePush).where(NetSuitePush.netsuite_id == netsuite_id, NetSuitePush.hold_id == hold_id)
    return session.scalars(query.order_by(NetSuitePush.started_at.desc()).limit(limit)).all()


def last_message_decision(session: Session, message_id: UUID) -> MessageDecision | None:
    query = select(MessageDecision).where(MessageDecision.message_id == message_id)
    return session.scalars(query.order_by(MessageDecision.decided_at.desc()).limit(1)).one_or_none()


def run(session: Session, run_id: UUID) -> ArAgingRun:
    """Return one AR aging scan.

    Raises:
        UnknownRunError: there is none.
    """
    found = session.get(ArAgingRun, run_id)
    if found is None:
        raise UnknownRunError(str(run_id))
    return found


def run_items(session: Session, run_id: UUID, *, after: str | None = None, limit: int = 100) -> Sequence[ArAgingItem]:
    """Return what one scan made of each customer above the threshold, in the order of customer ids."""
    query = select(ArAgingItem).where(ArAgingItem.run_id == run_id)
    if after is not None:
        query = query.where(ArAgingItem.customer_id > after)
    return session.scalars(query.order_by(ArAgingItem.customer_id).limit(limit)).all()


def names(session: Session, customer_ids: Collection[str]) -> dict[str, str]:
    query = select(Customer.id, Customer.name).where(Customer.id.in_(customer_ids))
    return {key: value for key, value in session.execute(query)}  # noqa: C416 (rows are typed only unpacked)
