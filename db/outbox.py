"""When a row of an outbox is sent next: what every outbox shares. Each is a table's own rows, and ends by its own rule.

A row is sent at once by whoever wrote it, and again until what it asks for has happened. The wait grows with the row's
age, up to a minute: a hold whose worker is away for days is not flooded with copies of one signal.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_
from sqlalchemy.orm import InstrumentedAttribute

from credit.states import HoldStatus
from db.models import Hold

PAGE = 100
"""Rows sent in one go."""
LONGEST = timedelta(minutes=1)

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])


def due(
    query: Query,
    *,
    written: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    tried: InstrumentedAttribute[datetime | None],
    now: datetime,
    resend_after: timedelta,
    longest: timedelta = LONGEST,
) -> Query:
    """Return the page of a query's rows that are to be sent now, longest waiting first.

    Args:
        query: the rows whose effect is not there yet.
        written: the column that says when a row was written.
        tried: the column that says when it was sent last, in vain or not.
        now: the time.
        resend_after: how long a row is left to who wrote it, and the shortest wait between two tries.
        longest: the longest one.
    """
    pace = func.least(func.greatest(tried - written, resend_after), longest)
    return (
        query.where(written < now - resend_after, or_(tried.is_(None), tried < now - pace))
        .order_by(func.coalesce(tried, written))  # one in vain starves no others
        .limit(PAGE)
    )


def is_kept_back(
    customer_id: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    tried: InstrumentedAttribute[datetime | None],
) -> ColumnElement[bool]:
    """Whether a customer's hold is being released and keeps what it was sent for the proposal after it.

    That has no row yet, and may take as long as NetSuite is away: it is not sent again before the release has ended.
    """
    return and_(
        tried.is_not(None), exists().where(Hold.customer_id == customer_id, Hold.status == HoldStatus.RELEASING)
    )
