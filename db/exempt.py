"""Which exemptions from automatic holds count on a day: the one rule, for built queries and for written ones."""

from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, and_, exists, literal_column

from db.models import Exemption


def day_of(now: datetime) -> date:
    """Return the day that it is for exemptions: in UTC."""
    return now.astimezone(UTC).date()


def counts_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Build whether an exemption counts on this day: up to and including its last one, and not ended by a person."""
    return and_(Exemption.until >= day, Exemption.ended_at.is_(None))


def as_text(customer_id: str, now: str) -> str:
    """Write in SQL whether a customer is exempt; both are SQL too, such as `c.customer_id` and `:now`."""
    day: ColumnElement[date] = literal_column(f"(CAST({now} AS timestamptz) AT TIME ZONE 'UTC')::date")
    counted = exists().where(Exemption.customer_id == literal_column(customer_id), counts_on(day))
    return str(counted)
