"""`GET /api/report`: the numbers for people, with weekly buckets for charts."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query

from credit.report import PeriodError, Report, period_of
from db.errors import BadInputError
from db.holds import report
from desk.api.common import Desk, Viewer, api_router
from desk.surroundings import in_transaction

router = api_router("report", "/api/report")


@router.get("")
async def show(
    desk: Desk,
    _: Viewer,
    first: Annotated[date | None, Query(alias="from", description="First day (UTC); 90 days back by default.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day (UTC); today by default.")] = None,
) -> Report:
    """Report what a period's holds came to, beside all time, and how things stand now."""
    now = datetime.now(UTC)
    try:
        begin, end = period_of(first, last, today=now.date())
    except PeriodError as error:
        raise BadInputError(str(error)) from None

    return await in_transaction(desk, lambda session: report.make(session, first=begin, last=end, now=now))
