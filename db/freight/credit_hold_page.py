"""What the pages about credit holds show beside the profiles themselves: ended entries, and everybody on hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UnknownEntryError
from db.models import CreditHoldEntry, Customer

_BLOCKS_ALL = (CreditHoldEntry.ended_at.is_(None), CreditHoldEntry.tariffs.is_(None))
"""What makes a credit hold; an index on the customer knows these."""


@dataclass(frozen=True)
class Held:
    """A customer on credit hold, and what put it there."""

    customer_id: str
    customer_name: str
    entries: Sequence[CreditHoldEntry]


def live(session: Session, customer_id: str, entry_id: UUID) -> CreditHoldEntry:
    """Return one live entry of a customer's Credit Hold page.

    Raises:
        UnknownEntryError: the customer has no such live entry.
    """
    row = session.get(CreditHoldEntry, entry_id)
    if row is None or row.customer_id != customer_id or row.ended_at is not None:
        raise UnknownEntryError(customer_id, entry_id)
    return row


def ended(session: Session, customer_id: str, limit: int) -> Sequence[CreditHoldEntry]:
    """Return a customer's ended entries, the one that ended last first."""
    over = select(CreditHoldEntry).where(
        CreditHoldEntry.customer_id == customer_id, CreditHoldEntry.ended_at.is_not(None)
    )
    return session.scalars(over.order_by(CreditHoldEntry.ended_at.desc(), CreditHoldEntry.id).limit(limit)).all()


def held(session: Session, *, after: str | None, limit: int) -> list[Held]:
    """Return customers on credit hold in the order of their ids, those after `after`."""
    ids = select(CreditHoldEntry.customer_id).where(*_BLOCKS_ALL).distinct().order_by(CreditHoldEntry.customer_id)
    if after is not None:
        ids = ids.where(CreditHoldEntry.customer_id > after)
    page = select(Customer.id, Customer.name).where(Customer.id.in_(ids.limit(limit)))
    names = {row.id: row.name for row in session.execute(page.order_by(Customer.id))}
    rows = select(CreditHoldEntry).where(*_BLOCKS_ALL, CreditHoldEntry.customer_id.in_(names))
    entries = session.scalars(rows.order_by(CreditHoldEntry.created_at, CreditHoldEntry.id)).all()
    return [Held(one, name, [row for row in entries if row.customer_id == one]) for one, name in names.items()]
