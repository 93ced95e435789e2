"""Absences with delegation over HTTP: list, add, end. A person's own, or anybody's by an admin."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from db.errors import (
    AbsentAlreadyError,
    LendingNeedsAdminError,
    NotAllowedError,
    PersonNeededError,
    UnknownAbsenceError,
    UnknownUserError,
)
from desk.api.common import Body, Desk, Line, Viewer, Why, api_router
from desk.problems import refuses
from desk.surroundings import acting, in_transaction
from services.people import absences, answers

router = api_router("people", "/api/absences")


class NewAbsence(Body):
    """Who stands in for whom, and for how long."""

    login: Line | None = None
    """Who is away; the caller by default, somebody else by an admin only."""
    delegate: Line
    starts_at: AwareDatetime | None = None
    """Now by default."""
    ends_at: AwareDatetime
    """The first moment that does not count any more."""
    reason: Why


@router.get("")
async def list_absences(
    desk: Desk,
    who: Viewer,
    over: Annotated[bool, Query(description="Also those that are over.")] = False,  # noqa: FBT002 (FastAPI names it)
) -> answers.Absences:
    """List who is away, or will be, and who stands in."""
    return await in_transaction(desk, absences.listed, who, over_too=over)


@router.post("", status_code=HTTPStatus.CREATED)
@refuses(NotAllowedError, PersonNeededError, LendingNeedsAdminError, UnknownUserError, AbsentAlreadyError)
async def add_absence(body: NewAbsence, desk: Desk, who: Viewer) -> answers.Absence:
    """Let somebody stand in: told what you are told, and deciding with your role. 409 where you are absent already.

    It lasts 366 days at most, and begins at most so far ahead. Only an admin lets somebody below requester stand in.
    """
    return await acting(desk, who, absences.add, who, **body.model_dump())


@router.delete("/{absence_id}")
@refuses(NotAllowedError, PersonNeededError, UnknownAbsenceError)
async def end_absence(absence_id: UUID, desk: Desk, who: Viewer) -> answers.Absence:
    """End an absence now, or call it off before it begins; one that is over stays as it is."""
    return await acting(desk, who, absences.end, who, absence_id)
