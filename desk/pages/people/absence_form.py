"""Absences as two pages show them, one's own and everybody's, and what is typed there."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from credit.reason import Reason
from db.models import Absence, User
from db.people import absences, users
from db.people.tokens import Caller
from desk.pages.common import needed_day, typed_day
from desk.surroundings import Surroundings, acting
from services.people import absences as service


class Typed(BaseModel):
    """What was typed to add an absence; days are whole and in UTC. Without a login it is one's own."""

    reason: Reason = Field("", validate_default=True)
    login: str = Field("", max_length=200)
    delegate: str = Field("", max_length=200)
    first_day: str = Field("", max_length=200)
    last_day: str = Field("", max_length=200)


@dataclass(frozen=True)
class Shown:
    """Absences that are not over, the first to start first, and who may stand in."""

    rows: list[Absence]
    people: list[User]


def read(session: Session, now: datetime, *, about: str | None = None) -> Shown:
    """Read everybody's absences, or those of one person: away, or standing in."""
    rows = [one for one in absences.listed(session, now) if about is None or about in (one.login, one.delegate)]
    return Shown(rows, [user for user in users.listed(session) if user.disabled_at is None])


async def add(desk: Surroundings, who: Caller, wanted: Typed, *, login: str) -> None:
    """Add what was typed.

    Raises:
        BadInputError: a day is none, or the last one is missing.
        RefusedError: as `services.people.absences.add`.
    """
    first, last = typed_day(wanted.first_day), needed_day(wanted.last_day, "the last day of the absence")
    await acting(
        desk,
        who,
        service.add,
        who,
        login=login,
        delegate=wanted.delegate,
        starts_at=_midnight(first) if first else None,
        ends_at=_midnight(last + timedelta(days=1)),
        reason=wanted.reason,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
