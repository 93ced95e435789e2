"""Business days: the clock stands still on weekends and holidays, in the calendar's own time zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from credit.calendar import Calendar, later

_YEARS = {"min_value": datetime(2020, 1, 1), "max_value": datetime(2030, 1, 1)}  # noqa: DTZ001 (hypothesis wants them naive)
FRIDAY = datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "calendar", "expected"),
    [
        (FRIDAY, 1, None, datetime(2026, 11, 21, 15, tzinfo=UTC)),
        (FRIDAY, 1, Calendar(), datetime(2026, 11, 23, 15, tzinfo=UTC)),
        (FRIDAY, 5, Calendar(), datetime(2026, 11, 27, 15, tzinfo=UTC)),
        (FRIDAY, 1, Calendar(holidays=frozenset({date(2026, 11, 23)})), datetime(2026, 11, 24, 15, tzinfo=UTC)),
        (datetime(2026, 11, 21, 8, tzinfo=UTC), 1, Calendar(), datetime(2026, 11, 24, 0, tzinfo=UTC)),
        # In Auckland it is Saturday already.
        (FRIDAY, 1, Calendar(time_zone="Pacific/Auckland"), datetime(2026, 11, 23, 11, tzinfo=UTC)),
        (FRIDAY, 1, Calendar(working_days=frozenset({5})), datetime(2026, 11, 22, 0, tzinfo=UTC)),
    ],
)
def test_waiting(start: datetime, days: int, calendar: Calendar | None, expected: datetime) -> None:
    assert later(start, timedelta(days=days), calendar) == expected


def test_a_day_of_25_hours_is_one_day() -> None:
    """In Oslo the clocks go back on Sunday 2026-10-25."""
    every_day = Calendar(time_zone="Europe/Oslo", working_days=frozenset(range(7)))
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight there
    assert later(start, timedelta(hours=25), every_day) == datetime(2026, 10, 25, 23, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC), **_YEARS), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_with_a_calendar_it_is_never_earlier_and_more_waiting_is_never_sooner(start: datetime, wait: timedelta) -> None:
    end = later(start, wait, Calendar())
    assert end >= start + wait
    assert later(start, wait + timedelta(hours=1), Calendar()) > end


def test_a_calendar_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValidationError, match="no time zone"):
        Calendar(time_zone="Atlantis/Capital")
    with pytest.raises(ValidationError):
        Calendar(working_days=frozenset())
