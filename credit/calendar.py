"""Waiting in business days: a clock that stands still on days nobody works."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from credit.setting import Unit, setting

Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]

_CALENDAR = "Calendar"


class Calendar(BaseModel):
    """Which days are worked, where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: Annotated[str, Unit.TIME_ZONE] = setting(
        "UTC", _CALENDAR, "Time zone", "Where a day begins and ends, like Europe/Oslo."
    )
    working_days: Annotated[frozenset[Weekday], Field(min_length=1), Unit.WEEKDAYS] = setting(
        frozenset(range(5)), _CALENDAR, "Working days", "One at least, like Mon Tue Wed Thu Fri."
    )
    holidays: Annotated[frozenset[date], Unit.DATES] = setting(
        frozenset(), _CALENDAR, "Holidays", "Days on which nobody works, whatever weekday."
    )

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as error:
            raise ValueError(f"no time zone {name!r}: give one like Europe/Oslo or UTC") from error
        return name

    def is_worked(self, day: date) -> bool:
        """Whether anybody works on this day."""
        return day.weekday() in self.working_days and day not in self.holidays


def later(start: datetime, wait: timedelta, calendar: Calendar | None) -> datetime:
    """Return when `wait` is over; with a calendar only worked days count, whole, from midnight to midnight there."""
    if calendar is None:
        return start + wait
    zone = ZoneInfo(calendar.time_zone)
    at, left = start, wait
    while True:
        day = at.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
        until_midnight = midnight.astimezone(start.tzinfo) - at
        if calendar.is_worked(day):
            if left <= until_midnight:
                return at + left
            left -= until_midnight
        at += until_midnight
