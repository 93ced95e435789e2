"""Tariffs with their rates, orders, and loads."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

from sqlalchemy import Select, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.credit_hold import LoadStatus
from credit.rating import Rate, best
from db.errors import NumberTakenError, UnknownLoadError, UnknownOrderError, UnknownTariffError
from db.models import Load, Order, Tariff, TariffRate
from db.models.base import JsonList

Row = TypeVar("Row", Order, Load)


class Lane(NamedTuple):
    """A line of a tariff; an empty origin or destination stands for any."""

    origin: str
    destination: str
    amount: Decimal
    transit_days: int


def tariffs(session: Session) -> Sequence[Tariff]:
    """Return all tariffs, by code."""
    return session.scalars(select(Tariff).order_by(Tariff.code)).all()


def codes(session: Session) -> Sequence[str]:
    """Return the codes of all tariffs, in order."""
    return session.scalars(select(Tariff.code).order_by(Tariff.code)).all()


def all_rates(session: Session) -> list[Rate]:
    """Return every lane of every tariff, by tariff, origin and destination."""
    rows = session.execute(_rates().order_by(TariffRate.tariff, TariffRate.origin, TariffRate.destination))
    return [Rate(*row) for row in rows]


def rates(session: Session, origin: str, destination: str, tariff: str | None = None) -> list[Rate]:
    """Return the best rate of each tariff, or of the one named, from `origin` to `destination`, by code.

    Raises:
        UnknownTariffError: there is no tariff of this code.
    """
    query = _rates().where(
        func.lower(TariffRate.origin).in_({origin.lower(), ""}),
        func.lower(TariffRate.destination).in_({destination.lower(), ""}),
    )
    if tariff is not None:
        require_tariff(session, tariff)
        query = query.where(TariffRate.tariff == tariff)
    return best([Rate(*row) for row in session.execute(query)], origin, destination)


def _rates() -> Select[str, str, str, str, Decimal, str, int]:
    line = (TariffRate.origin, TariffRate.destination, TariffRate.amount, Tariff.currency, TariffRate.transit_days)
    return select(Tariff.code, Tariff.name, *line).join(TariffRate, TariffRate.tariff == Tariff.code)


def require_tariff(session: Session, code: str) -> None:
    """Refuse a code that no tariff has.

    Raises:
        UnknownTariffError: it has none; the text names those that exist.
    """
    if session.get(Tariff, code) is None:
        raise UnknownTariffError(code, codes(session))


def put_tariff(
    session: Session, code: str, *, name: str, currency: str, lanes: Sequence[Lane], actor: str, now: datetime
) -> bool:
    """Make a tariff, or put it in another's place whole; returns whether it is new."""
    values = {"name": name, "currency": currency, "updated_by": actor, "updated_at": now}
    is_new = session.scalar(insert(Tariff).values(code=code, **values).on_conflict_do_nothing().returning(Tariff.code))
    kept = session.get_one(Tariff, code, with_for_update=True, populate_existing=True)
    for field, value in values.items():
        setattr(kept, field, value)
    session.execute(delete(TariffRate).where(TariffRate.tariff == code))
    session.add_all(TariffRate(tariff=code, **lane._asdict()) for lane in lanes)
    session.flush()
    return is_new is not None


def add_order(
    session: Session,
    order_id: str,
    customer_id: str,
    *,
    lines: JsonList,
    amount: Decimal,
    prepaid: bool,
    actor: str,
    now: datetime,
) -> Order:
    """Write an order.

    Raises:
        NumberTakenError: there is another one of this id.
    """
    values = {"id": order_id, "customer_id": customer_id, "lines": lines, "amount": amount, "prepaid": prepaid}
    wanted = insert(Order).values(**values, status="open", created_by=actor, created_at=now)
    if session.scalar(wanted.on_conflict_do_nothing().returning(Order.id)) is None:
        raise NumberTakenError("an order", order_id)
    return session.get_one(Order, order_id)


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


def add_load(
    session: Session,
    load_id: str,
    customer_id: str,
    *,
    tariff: str | None,
    origin: str,
    destination: str,
    actor: str,
    now: datetime,
) -> Load:
    """Write a load, quoted.

    Raises:
        NumberTakenError: there is another one of this id.
    """
    values = {"id": load_id, "customer_id": customer_id, "tariff": tariff, "origin": origin, "destination": destination}
    wanted = insert(Load).values(**values, status=LoadStatus.QUOTED, created_by=actor, created_at=now)
    if session.scalar(wanted.on_conflict_do_nothing().returning(Load.id)) is None:
        raise NumberTakenError("a load", load_id)
    return session.get_one(Load, load_id)


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


def _page(
    query: Select[Row], kind: type[Row], customer_id: str | None, after: tuple[datetime, str] | None
) -> Select[Row]:
    if customer_id is not None:
        query = query.where(kind.customer_id == customer_id)
    if after is not None:
        query = query.where(tuple_(kind.created_at, kind.id) < after)
    return query.order_by(kind.created_at.desc(), kind.id.desc())
