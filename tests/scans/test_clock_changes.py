"""The night the clocks change: a schedule whose time is not there, or comes twice, says so and names the day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from credit.permissions import Role
from tests.desk.server import DeskServer

OSLO = ZoneInfo("Europe/Oslo")


def next_change(*, forward: bool) -> date:
    """Return the next day whose clocks go forward, or back, told from noon to noon."""
    day = datetime.now(UTC).date()
    while True:
        before, after = (datetime(at.year, at.month, at.day, 12, tzinfo=OSLO) for at in (day - timedelta(days=1), day))
        change = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if (change > timedelta()) if forward else (change < timedelta()):
            return day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("cron", "zone", "warned"),
    [("30 2 * * *", "Europe/Oslo", True), ("0 6 * * *", "Europe/Oslo", False), ("30 2 * * *", "UTC", False)],
)
async def test_setting_a_schedule_warns_of_nights_it_misses_or_meets_twice(
    desk: DeskServer, cron: str, zone: str, *, warned: bool
) -> None:
    admin = desk.client(Role.ADMIN)
    answer = await admin.put("/api/ar-aging/schedule", json={"cron": cron, "time_zone": zone})
    told = answer.json()["warnings"]
    page = (await admin.get("/aging", headers={"Accept": "text/html"})).text
    if not warned:
        assert told == []
        return
    missed = f"on Sunday {next_change(forward=True)}, when the clocks change, it runs not at all instead of 1 time"
    assert any(one.startswith(missed) for one in told)
    assert missed in page
    twice = [one for one in told if str(next_change(forward=False)) in one]
    assert all("runs 2 times instead of 1 time" in one for one in twice)


async def test_a_day_is_asked_for_from_its_first_moment_to_its_last(desk: DeskServer) -> None:
    """Midnight is of the day that it begins."""
    admin = desk.client(Role.ADMIN)
    answer = await admin.put("/api/ar-aging/schedule", json={"cron": "0 0 * * *", "time_zone": "Europe/Oslo"})
    assert answer.json()["warnings"] == []
