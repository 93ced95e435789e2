"""Absences with delegation over HTTP: list, add, end. A person's own, or anybody's by an admin."""

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from desk.api.common import Body, Desk, Line, Viewer, Why, api_router, fresh
from desk.problems import documented
from services.people.absences import Absences

router = api_router("people", "/api/absences")

_ABSENCE: dict[str, Any] = {
    "id": "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11",
    "login": "anna",
    "delegate": "mike",
    "starts_at": "2027-03-01T00:00:00Z",
    "ends_at": "2027-03-15T00:00:00Z",
    "ended_at": None,
    "state": "lasting",
    "reason": "holiday",
    "created_by": "anna",
    "created_at": "2027-02-20T09:00:00Z",
}


class Absence(BaseModel):
    """Who is away, who stands in, and for how long."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_ABSENCE]})

    id: UUID
    login: str
    delegate: str
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    state: Literal["planned", "lasting", "over"]
    reason: str
    created_by: str
    created_at: datetime


class AbsenceList(BaseModel):
    """Absences, the first to start first."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"absences": [_ABSENCE]}]})

    absences: list[Absence]


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


@router.get("", response_model=AbsenceList)
async def list_absences(
    request: Request,
    desk: Desk,
    who: Viewer,
    over: Annotated[bool, Query(description="Also those that are over.")] = False,  # noqa: FBT002 (FastAPI names it)
) -> Response:
    """List who is away, or will be, and who stands in."""
    return fresh(request, await asyncio.to_thread(Absences(desk.engine).listed, who, over_too=over))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=Absence,
    responses=documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def add_absence(body: NewAbsence, desk: Desk, who: Viewer) -> Response:
    """Let somebody stand in: told what you are told, and deciding with your role. 409 where you are absent already."""
    added = await asyncio.to_thread(Absences(desk.engine).add, who, **body.model_dump())
    return JSONResponse(added, HTTPStatus.CREATED)


@router.delete("/{absence_id}", response_model=Absence, responses=documented(HTTPStatus.NOT_FOUND))
async def end_absence(absence_id: UUID, desk: Desk, who: Viewer) -> Response:
    """End an absence now, or call it off before it begins; one that is over stays as it is."""
    return JSONResponse(await asyncio.to_thread(Absences(desk.engine).end, who, absence_id))
