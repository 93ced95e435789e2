"""Customers, and the flag that order forms read."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from credit.states import EntityStatus
from db.errors import UnknownCustomerError
from db.models import Customer

__all__ = ["UnknownCustomerError", "get", "set_entitystatus"]


def get(session: Session, customer_id: str) -> Customer:
    """Return a customer with its sales rep.

    Raises:
        UnknownCustomerError: there is none.
    """
    query = select(Customer).where(Customer.id == customer_id).options(joinedload(Customer.sales_rep))
    customer = session.scalars(query).one_or_none()
    if customer is None:
        raise UnknownCustomerError(customer_id)
    return customer


def set_entitystatus(session: Session, customer_id: str, status: EntityStatus, at: datetime) -> EntityStatus:
    """Set the flag and return what it was. `last_modified` moves only if the flag does (service-hold spec, beat 1)."""
    customer = session.scalars(select(Customer).where(Customer.id == customer_id).with_for_update()).one()
    before = customer.entitystatus
    if before is not status:
        customer.entitystatus = status
        customer.last_modified = at
    return before
