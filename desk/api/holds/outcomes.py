"""What people set for a hold in force, over HTTP: its dates, an override, exceptions."""

from datetime import date
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query

from credit.outcomes import ExceptionScope, ScheduledDate
from credit.permissions import Role
from db.errors import (
    BadInputError,
    ClaimedByAnotherError,
    NothingToDecideError,
    NotInForceError,
    SecondApproverError,
    SelfApprovalError,
    UnknownHoldError,
)
from db.holds import holds
from desk.api.common import Decider, Desk, HoldName, Line, Reason, Viewer, Why, api_router
from desk.problems import refuses
from desk.surroundings import in_transaction
from services.holds import answers

router = api_router("holds", "/api/holds/{name}")


class Dates(Reason):
    """The days to set: one that is left out stays, null clears it."""

    end_date: date | None = None
    review_date: date | None = None


class NewException(Reason):
    """What to let through."""

    scope: ExceptionScope
    reference: Line
    until: date
    """The last day on which it counts."""


@router.put("/dates")
@refuses(UnknownHoldError, NotInForceError)
async def set_dates(name: HoldName, wanted: Dates, desk: Desk, who: Decider) -> answers.Hold:
    """Set the day on which the hold is to end, or is looked at again; 409 unless it is in force."""
    days = {which: getattr(wanted, which) for which in ScheduledDate if which in wanted.model_fields_set}
    return await desk.outcomes.set_dates(name, days, reason=wanted.reason, actor=who.name)


@router.post("/override")
@refuses(
    UnknownHoldError,
    NotInForceError,
    ClaimedByAnotherError,
    NothingToDecideError,
    SelfApprovalError,
    SecondApproverError,
)
async def override(name: HoldName, wanted: Reason, desk: Desk, who: Decider) -> answers.Decision:
    """Lift the hold now: its release is proposed and approved in one step."""
    return await desk.outcomes.override(name, reason=wanted.reason, actor=who.name, is_admin=who.role is Role.ADMIN)


@router.get("/exceptions")
@refuses(UnknownHoldError)
async def list_exceptions(name: HoldName, desk: Desk, _: Viewer) -> answers.HoldExceptions:
    """List what the hold lets through, exceptions that are over too."""
    return await in_transaction(desk, lambda session: answers.HoldExceptions.of(session, holds.named(session, name).id))


@router.post("/exceptions", status_code=HTTPStatus.CREATED)
@refuses(UnknownHoldError, NotInForceError)
async def add_exception(name: HoldName, wanted: NewException, desk: Desk, who: Decider) -> answers.HoldException:
    """Let one order or load through until a day; 409 unless the hold is in force."""
    return await desk.outcomes.add_exception(name, **vars(wanted), actor=who.name)


@router.delete("/exceptions/{exception_id}")
@refuses(UnknownHoldError, BadInputError)
async def end_exception(
    name: HoldName, exception_id: UUID, reason: Annotated[Why, Query()], desk: Desk, who: Decider
) -> answers.HoldException:
    """End an exception before its last day."""
    return await desk.outcomes.end_exception(name, exception_id, reason=reason, actor=who.name)
