"""What people set for a hold in force, over HTTP: its dates, an override, exceptions."""

from datetime import date
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from credit.outcomes import ExceptionScope, ScheduledDate
from credit.permissions import Permission, Role
from db.holds import holds, outcomes
from db.people.tokens import Caller
from desk.access import needs
from desk.api.common import Line, Why
from desk.surroundings import Surroundings, in_transaction, surroundings
from services.answers import Document
from services.holds import documents
from services.holds.outcomes import OutcomeOperations

router = APIRouter(prefix="/api/holds/{name}", tags=["holds"])

Desk = Annotated[Surroundings, Depends(surroundings)]
Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$", description="A hold's id, or a customer's.")]
Viewer = Annotated[Caller, Depends(needs(Permission.LOOK))]
Approver = Annotated[Caller, Depends(needs(Permission.DECIDE))]


class Dates(BaseModel):
    """The days to set: one that is left out stays, null clears it."""

    model_config = ConfigDict(extra="forbid")

    end_date: date | None = None
    review_date: date | None = None
    reason: Why


class Override(BaseModel):
    """Why the hold is lifted now."""

    model_config = ConfigDict(extra="forbid")

    reason: Why


class NewException(BaseModel):
    """What to let through."""

    model_config = ConfigDict(extra="forbid")

    scope: ExceptionScope
    reference: Line
    until: date
    """The last day on which it counts."""
    reason: Why


def operations(desk: Desk) -> OutcomeOperations:
    """Return what carries it out: a FastAPI dependency."""
    return OutcomeOperations(desk.engine, desk.client, desk.settings.task_queue)


Outcomes = Annotated[OutcomeOperations, Depends(operations)]


@router.put("/dates")
async def set_dates(name: Name, wanted: Dates, does: Outcomes, who: Approver) -> Document:
    """Set the day on which the hold is to end, or is looked at again; 409 unless it is in force."""
    days = {which: getattr(wanted, which) for which in ScheduledDate if which in wanted.model_fields_set}
    return await does.set_dates(name, days, reason=wanted.reason, actor=who.name)


@router.post("/override")
async def override(name: Name, wanted: Override, does: Outcomes, who: Approver) -> Document:
    """Lift the hold now: its release is proposed and approved in one step."""
    is_admin = who.role is Role.ADMIN
    done = await does.override(name, reason=wanted.reason, actor=who.name, is_admin=is_admin)
    return done.document()


@router.get("/exceptions")
async def list_exceptions(name: Name, desk: Desk, _: Viewer) -> Document:
    """List what the hold lets through, exceptions that are over too."""

    def read(session: Session) -> Document:
        found = outcomes.exceptions_of(session, holds.find(session, name).id)
        return {"exceptions": [documents.exception(row) for row in found]}

    return await in_transaction(desk, read)


@router.post("/exceptions", status_code=HTTPStatus.CREATED)
async def add_exception(name: Name, wanted: NewException, does: Outcomes, who: Approver) -> Document:
    """Let one order or load through until a day; 409 unless the hold is in force."""
    return await does.add_exception(
        name,
        scope=wanted.scope,
        reference=wanted.reference,
        until=wanted.until,
        reason=wanted.reason,
        actor=who.name,
    )


@router.delete("/exceptions/{exception_id}")
async def end_exception(
    name: Name, exception_id: UUID, reason: Annotated[Why, Query()], does: Outcomes, who: Approver
) -> Document:
    """End an exception before its last day."""
    return await does.end_exception(name, exception_id, reason=reason, actor=who.name)
