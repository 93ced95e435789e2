"""Orders, and the loads that carry them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.credit_hold import STOPS_AT, LoadStatus, OrderStatus
from credit.effects import Stopped
from db.act import Act
from db.errors import NumberTakenError, UnknownLoadError, UnknownOrderError
from db.models import Load, Order
from db.models.base import JsonList

Row = TypeVar("Row", Order, Load)


def add_order(act: Act, order_id: str, customer_id: str, *, lines: JsonList, amount: Decimal, prepaid: bool) -> Order:
    """Write an order.

    Raises:
        NumberTakenError: there is another one of this id.
    """
    values = {"id": order_id, "customer_id": customer_id, "lines": lines, "amount": amount, "prepaid": prepaid}
    wanted = insert(Order).values(**values, status="open", created_by=act.actor, created_at=act.now)
    if act.session.scalar(wanted.on_conflict_do_nothing().returning(Order.id)) is None:
        raise NumberTakenError("an order", order_id)
    return act.session.get_one(Order, order_id)


def order(session: Session, order_id: str, *, lock: bool = False) -> Order:
    """Return an order, locked where it is to be changed.

    Raises:
        UnknownOrderError: there is none.
    """
    found = session.get(Order, order_id, with_for_update=lock or None, populate_existing=True)
    if found is None:
        raise UnknownOrderError(order_id)
    return found


def orders(
    session: Session, customer_id: str | None, *, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Order]:
    """Return orders, of one customer or of all, the newest first; `after` is where the page before ended."""
    return session.scalars(_page(select(Order), Order, customer_id, after).limit(limit)).all()


def add_load(act: Act, load_id: str, customer_id: str, *, tariff: str | None, origin: str, destination: str) -> Load:
    """Write a load, quoted.

    Raises:
        NumberTakenError: there is another one of this id.
    """
    values = {"id": load_id, "customer_id": customer_id, "tariff": tariff, "origin": origin, "destination": destination}
    wanted = insert(Load).values(**values, status=LoadStatus.QUOTED, created_by=act.actor, created_at=act.now)
    if act.session.scalar(wanted.on_conflict_do_nothing().returning(Load.id)) is None:
        raise NumberTakenError("a load", load_id)
    return act.session.get_one(Load, load_id)


def load(session: Session, load_id: str, *, lock: bool = False) -> Load:
    """Return a load, locked where it is to be moved.

    Raises:
        UnknownLoadError: there is none.
    """
    found = session.get(Load, load_id, with_for_update=lock or None, populate_existing=True)
    if found is None:
        raise UnknownLoadError(load_id)
    return found


def loads(
    session: Session,
    customer_id: str | None,
    *,
    status: LoadStatus | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Load]:
    """Return loads, of one customer or of all, the newest first; `after` is where the page before ended."""
    query = _page(select(Load), Load, customer_id, after)
    if status is not None:
        query = query.where(Load.status == status)
    return session.scalars(query.limit(limit)).all()


def stopped_by_a_block(session: Session, customer_id: str, *, limit: int) -> Stopped:
    """Return what a block of all tariffs stops: loads at Committed, the first `limit` by id, and the open orders."""
    waiting = Load.customer_id == customer_id, Load.status == STOPS_AT
    number = session.scalars(select(func.count()).select_from(Load).where(*waiting)).one()
    first = session.scalars(select(Load.id).where(*waiting).order_by(Load.created_at, Load.id).limit(limit)).all()
    taken = Order.customer_id == customer_id, Order.status == OrderStatus.OPEN
    orders_open = session.scalars(select(func.count()).select_from(Order).where(*taken)).one()
    return Stopped(first, number - len(first), orders_open)


def _page(
    query: Select[Row], kind: type[Row], customer_id: str | None, after: tuple[datetime, str] | None
) -> Select[Row]:
    if customer_id is not None:
        query = query.where(kind.customer_id == customer_id)
    if after is not None:
        query = query.where(tuple_(kind.created_at, kind.id) < after)
    return query.order_by(kind.created_at.desc(), kind.id.desc())
