"""`/report`: the numbers people steer by, as tables and charts."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from credit.report import PeriodError, Report, period_of
from db.holds import report as numbers_of
from desk.pages.common import Desk, Viewer
from desk.pages.filters import Filter
from desk.pages.holds.charts import Chart, charts
from desk.rendering import render
from desk.surroundings import in_transaction

router = APIRouter(include_in_schema=False)

_PERIODS = ((30, "30 days"), (90, "90 days"), (365, "year"))


@router.get("/report")
async def show(request: Request, desk: Desk, _: Viewer, first: str = "", last: str = "") -> Response:
    """Show what a period's holds came to, beside all time, and how things stand now; 422 for days that are none."""
    now, asked = datetime.now(UTC), Filter(first=first, last=last)
    try:
        begin, end = period_of(asked.day("first"), asked.day("last"), today=now.date())
    except PeriodError as error:
        asked.wrong["first"] = str(error)
    if asked.wrong:
        begin, end = period_of(None, None, today=now.date())
    found: Report = await in_transaction(desk, numbers_of.make, first=begin, last=end, now=now)
    drawn: list[Chart] = charts(found)
    periods = [(name, now.date() - timedelta(days=days), now.date()) for days, name in _PERIODS]
    return render(request, "holds/report.html", asked.status, report=found, charts=drawn, periods=periods, asked=asked)
