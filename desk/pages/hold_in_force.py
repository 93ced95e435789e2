"""What people ask for while a hold is in force: its release, its dates, exceptions, and lifting it at once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from credit.outcomes import ExceptionScope, ScheduledDate
from credit.permissions import Role
from db.errors import BadInputError, RefusedError
from db.people.tokens import Caller
from desk.flashes import see_other
from desk.pages.common import Approver, Desk, Requester, refused, typed_day
from desk.pages.hold_answers import Reason, answer, explained, read
from desk.rendering import render
from desk.surroundings import Surroundings
from services.holds.outcomes import OutcomeOperations

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=200)]


def _operations(desk: Desk) -> OutcomeOperations:
    return OutcomeOperations(desk.engine, desk.client, desk.settings.task_queue)


Outcomes = Annotated[OutcomeOperations, Depends(_operations)]


@router.post("/holds/{name}/release")
async def propose_release(request: Request, name: str, desk: Desk, who: Requester, reason: Reason = "") -> Response:
    """Propose to release the hold, or add a reason to the proposal that is open."""
    if not reason.strip():
        problem = "Say why it should be released: the approver reads it."
        return await answer(request, desk, name, who, status=422, problem=problem)
    try:
        await desk.operations.request_release(name, reason=reason.strip(), actor=who.name)
    except RefusedError as error:
        return await explained(request, desk, name, who, error)
    return see_other(f"/holds/{name}", "release_proposed")


@router.get("/holds/{name}/change")
async def show(request: Request, name: str, desk: Desk, who: Approver) -> Response:
    """Show what can be set for a hold in force."""
    return await _page(request, desk, name, who)


@router.post("/holds/{name}/dates")
async def set_dates(
    request: Request,
    name: str,
    desk: Desk,
    does: Outcomes,
    who: Approver,
    end_date: Typed = "",
    review_date: Typed = "",
    reason: Reason = "",
) -> Response:
    """Set the day on which the release is proposed, and the day on which somebody looks again; empty clears it."""
    typed = {"end_date": end_date, "review_date": review_date, "dates_reason": reason}
    try:
        days = {ScheduledDate.END: typed_day(end_date), ScheduledDate.REVIEW: typed_day(review_date)}
        await does.set_dates(name, days, reason=reason.strip(), actor=who.name)
    except RefusedError as error:
        return await _page(request, desk, name, who, error=error, typed=typed)
    return see_other(f"/holds/{name}#in-force", "dates_set")


@router.post("/holds/{name}/exceptions")
async def add_exception(
    request: Request,
    name: str,
    desk: Desk,
    does: Outcomes,
    who: Approver,
    scope: Annotated[ExceptionScope, Form()],
    reference: Typed = "",
    until: Typed = "",
    reason: Reason = "",
) -> Response:
    """Let one order or load through."""
    typed = {"scope": scope.value, "reference": reference, "until": until, "exception_reason": reason}
    try:
        last = typed_day(until)
        if last is None:
            raise BadInputError("name the last day on which the exception counts")
        await does.add_exception(
            name, scope=scope, reference=reference, until=last, reason=reason.strip(), actor=who.name
        )
    except RefusedError as error:
        return await _page(request, desk, name, who, error=error, typed=typed)
    return see_other(f"/holds/{name}#in-force", "exception_added")


@router.post("/holds/{name}/exceptions/{exception_id}/end")
async def end_exception(
    request: Request, name: str, exception_id: UUID, desk: Desk, does: Outcomes, who: Approver, reason: Reason = ""
) -> Response:
    """End an exception before its last day."""
    try:
        await does.end_exception(name, exception_id, reason=reason.strip(), actor=who.name)
    except RefusedError as error:
        return await _page(request, desk, name, who, error=error)
    return see_other(f"/holds/{name}#in-force", "exception_ended")


@router.post("/holds/{name}/override")
async def override(
    request: Request, name: str, desk: Desk, does: Outcomes, who: Approver, reason: Reason = ""
) -> Response:
    """Lift the hold now: its release is proposed and approved in one step."""
    try:
        made = await does.override(name, reason=reason.strip(), actor=who.name, is_admin=who.role is Role.ADMIN)
    except RefusedError as error:
        return await _page(request, desk, name, who, error=error, typed={"override_reason": reason})
    if made.decision_id is None:
        return see_other(f"/holds/{name}", "hold_approved_first")
    return see_other(f"/holds/{name}", "hold_overridden" if made.delivered else "told_later")


async def _page(
    request: Request,
    desk: Surroundings,
    name: str,
    who: Caller,
    *,
    error: RefusedError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    page = await read(desk, name, who)
    status = await refused(request, error) if error else 200
    days = {"end_date": page.hold.end_date, "review_date": page.hold.review_date}
    shown = {key: day.isoformat() if day else "" for key, day in days.items()} | (typed or {})
    problem = str(error) if error else ""
    return render(request, "hold_change.html", status, page=page, typed=shown, problem=problem)
