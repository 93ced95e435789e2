"""Customers, and the flag that order forms read."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from credit.states import OPEN_HOLD, EntityStatus
from db import transaction_memory
from db.errors import UnknownCustomerError
from db.models import Customer, Hold
from db.transaction_memory import CUSTOMERS

__all__ = ["Found", "UnknownCustomerError", "get", "search", "set_entitystatus"]

_IN_A_ROW = re.compile(r"[^\W_]{3}")
"""What the trigram index can look for anywhere: three letters or digits in a row."""
_ANY = re.compile(r"[^\W_]")


class Found(NamedTuple):
    """A customer, and its open hold where it has one."""

    customer: Customer
    hold: Hold | None


def get(session: Session, customer_id: str) -> Customer:
    """Return a customer with its sales rep.

    Raises:
        UnknownCustomerError: there is none.
    """
    query = select(Customer).where(Customer.id == customer_id).options(joinedload(Customer.sales_rep))
    customer = CUSTOMERS.once(session, customer_id, lambda: session.scalars(query).one_or_none())
    if customer is None:
        raise UnknownCustomerError(customer_id)
    return customer


def ids_by_netsuite_id(session: Session, netsuite_ids: Collection[str]) -> dict[str, str]:
    """Return NetSuite id -> customer id of those of these records that are known here."""
    rows = session.execute(select(Customer.netsuite_id, Customer.id).where(Customer.netsuite_id.in_(netsuite_ids)))
    return {netsuite_id: customer_id for netsuite_id, customer_id in rows}  # noqa: C416 (rows are not pairs)


def lock(session: Session, customer_id: str) -> Customer:
    """Lock a customer, after the hold and the profile where these are locked too.

    Who only refers to the customer, as every order, payment and event does by its foreign key, is not kept waiting:
    it may hold that while it waits for the hold or the profile.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    if "\0" in customer_id:
        raise UnknownCustomerError(customer_id)
    row = transaction_memory.locked(session, Customer, customer_id)
    if row is None:
        raise UnknownCustomerError(customer_id)
    return row


def restore_entitystatus(session: Session, customer_id: str, prior: str, at: datetime) -> EntityStatus:
    """Set the flag back to what a hold found, and return what it was until now."""
    return set_entitystatus(session, customer_id, EntityStatus(prior), at)


def set_entitystatus(session: Session, customer_id: str, status: EntityStatus, at: datetime) -> EntityStatus:
    """Set the flag and return what it was. `last_modified` moves only if the flag does (service-hold spec, beat 1)."""
    customer = lock(session, customer_id)
    before = customer.entitystatus
    if before is not status:
        customer.entitystatus = status
        customer.last_modified = at
    return before


def search(session: Session, words: str = "", *, after: str | None = None, limit: int) -> Sequence[Found]:
    """Return customers whose name or id contains `words`, in the order of ids; the one with this very id first.

    Quick over millions: rare words are found by the trigram index, common ones by walking the ids.

    Args:
        words: what to look for, whatever its case; without three letters or digits in a row it must begin the name or
            id, without any it is only looked for as an id. Empty for all.
        after: the last id of the page before; None for the first page.
        limit: how many at most, the exact match among them.
    """
    words = words.strip()
    query = select(Customer, Hold).outerjoin(Hold, (Hold.customer_id == Customer.id) & Hold.status.in_(OPEN_HOLD))
    exact = [Found(*row) for row in session.execute(query.where(Customer.id == words))] if words else []
    if words:
        query = query.where(Customer.id != words)
        query = query.where(
            or_(*(column.ilike(_pattern(words), escape="\\") for column in (Customer.name, Customer.id)))
        )
        if not _ANY.search(words):
            query = query.where(false())
    if after is not None:
        exact, query = [], query.where(Customer.id > after)
    # A prepared query would be planned for unknown words: the plan for common ones, whatever is looked for.
    session.execute(select(func.set_config("plan_cache_mode", "force_custom_plan", True)))
    rest = session.execute(query.order_by(Customer.id).limit(limit - len(exact)))
    return [*exact, *(Found(*row) for row in rest)]


def _pattern(words: str) -> str:
    literal = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{literal}%" if _IN_A_ROW.search(words) else f"{literal}%"
