"""Tariffs with their rates."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.rating import Rate, best
from db.act import Act
from db.errors import UnknownTariffError
from db.models import Tariff, TariffRate


class Lane(NamedTuple):
    """A line of a tariff; an empty origin or destination stands for any."""

    origin: str
    destination: str
    amount: Decimal
    transit_days: int


def tariffs(session: Session) -> Sequence[Tariff]:
    return session.scalars(select(Tariff).order_by(Tariff.code)).all()


def codes(session: Session) -> Sequence[str]:
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


def put_tariff(act: Act, code: str, *, name: str, currency: str, lanes: Sequence[Lane]) -> bool:
    """Make a tariff, or put it in another's place whole; returns whether it is new."""
    values = {"name": name, "currency": currency, "updated_by": act.actor, "updated_at": act.now}
    is_new = act.session.scalar(
        insert(Tariff).values(code=code, **values).on_conflict_do_nothing().returning(Tariff.code)
    )
    kept = act.session.get_one(Tariff, code, with_for_update=True, populate_existing=True)
    for field, value in values.items():
        setattr(kept, field, value)
    act.session.execute(delete(TariffRate).where(TariffRate.tariff == code))
    act.session.add_all(TariffRate(tariff=code, **lane._asdict()) for lane in lanes)
    act.session.flush()
    return is_new is not None
