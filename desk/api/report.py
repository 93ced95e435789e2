"""`GET /api/report`: the numbers for people, with weekly buckets for charts."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from credit.permissions import Permission
from credit.report import PeriodError, period_of
from db.errors import BadInputError
from db.holds import report as numbers_of
from db.people.tokens import Caller
from desk.access import needs
from desk.surroundings import Surroundings, in_transaction, surroundings
from services.answers import Document
from services.holds import report_documents

router = APIRouter(prefix="/api/report", tags=["report"])


@router.get("")
async def show(
    desk: Annotated[Surroundings, Depends(surroundings)],
    _: Annotated[Caller, Depends(needs(Permission.LOOK))],
    first: Annotated[date | None, Query(alias="from", description="First day (UTC); 90 days back by default.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day (UTC); today by default.")] = None,
) -> Document:
    """Report what a period's holds came to, beside all time, and how things stand now."""
    now = datetime.now(UTC)
    try:
        begin, end = period_of(first, last, today=now.date())
    except PeriodError as error:
        raise BadInputError(str(error)) from None

    def read(session: Session) -> Document:
        return report_documents.document(numbers_of.make(session, first=begin, last=end, now=now))

    return await in_transaction(desk, read)
