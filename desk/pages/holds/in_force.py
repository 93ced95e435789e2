"""What people ask for while a hold is in force: its release, its dates, exceptions, and lifting it at once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from credit.outcomes import ExceptionScope, ScheduledDate
from credit.permissions import Role
from desk.flashes import see_other
from desk.pages.common import Approver, Desk, Reason, Requester, needed_day, typed_day
from desk.pages.holds.answers import read
from desk.rendering import render

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=200)]


@router.post("/holds/{name}/release")
async def propose_release(name: str, desk: Desk, who: Requester, reason: Reason) -> Response:
    """Propose to release the hold, or add a reason to the proposal that is open."""
    await desk.operations.request_release(name, reason=reason, actor=who.name)
    return see_other(f"/holds/{name}", "release_proposed")


@router.get("/holds/{name}/change")
async def show(request: Request, name: str, desk: Desk, who: Approver) -> Response:
    return render(request, "holds/change.html", page=await read(desk, name, who))


@router.post("/holds/{name}/dates")
async def set_dates(
    name: str, desk: Desk, who: Approver, reason: Reason, end_date: Typed = "", review_date: Typed = ""
) -> Response:
    """Set the day on which the release is proposed, and the day on which somebody looks again; empty clears it."""
    days = {ScheduledDate.END: typed_day(end_date), ScheduledDate.REVIEW: typed_day(review_date)}
    await desk.outcomes.set_dates(name, days, reason=reason, actor=who.name)
    return see_other(f"/holds/{name}#in-force", "dates_set")


@router.post("/holds/{name}/exceptions")
async def add_exception(
    name: str,
    desk: Desk,
    who: Approver,
    scope: Annotated[ExceptionScope, Form()],
    reason: Reason,
    reference: Typed = "",
    until: Typed = "",
) -> Response:
    last = needed_day(until, "the last day on which the exception counts")
    await desk.outcomes.add_exception(name, scope=scope, reference=reference, until=last, reason=reason, actor=who.name)
    return see_other(f"/holds/{name}#in-force", "exception_added")


@router.post("/holds/{name}/exceptions/{exception_id}/end")
async def end_exception(name: str, exception_id: UUID, desk: Desk, who: Approver, reason: Reason) -> Response:
    await desk.outcomes.end_exception(name, exception_id, reason=reason, actor=who.name)
    return see_other(f"/holds/{name}#in-force", "exception_ended")


@router.post("/holds/{name}/override")
async def override(name: str, desk: Desk, who: Approver, reason: Reason) -> Response:
    """Lift the hold now: its release is proposed and approved in one step."""
    made = await desk.outcomes.override(name, reason=reason, actor=who.name, is_admin=who.role is Role.ADMIN)
    if made.decision_id is None:
        return see_other(f"/holds/{name}", "hold_approved_first")
    return see_other(f"/holds/{name}", "hold_overridden" if made.delivered else "told_later")
