"""What the handlers of pages share."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from credit import reason
from credit.permissions import Permission
from db.errors import BadInputError, RefusedError
from db.people.tokens import Caller
from desk import problems
from desk.access import signed_in_page
from desk.surroundings import Surroundings, surroundings

Desk = Annotated[Surroundings, Depends(surroundings)]
Viewer = Annotated[Caller, Depends(signed_in_page(Permission.LOOK))]
Requester = Annotated[Caller, Depends(signed_in_page(Permission.START_HOLD))]
Approver = Annotated[Caller, Depends(signed_in_page(Permission.DECIDE))]
Mender = Annotated[Caller, Depends(signed_in_page(Permission.RETRY_BEAT))]
Editor = Annotated[Caller, Depends(signed_in_page(Permission.EDIT_MESSAGE))]
Sender = Annotated[Caller, Depends(signed_in_page(Permission.SEND_MESSAGE))]
Scanner = Annotated[Caller, Depends(signed_in_page(Permission.RUN_SCAN))]
Scheduler = Annotated[Caller, Depends(signed_in_page(Permission.SCHEDULE_SCAN))]
Auditor = Annotated[Caller, Depends(signed_in_page(Permission.READ_AUDIT))]
LoadMover = Annotated[Caller, Depends(signed_in_page(Permission.MOVE_LOAD))]
ProfileChanger = Annotated[Caller, Depends(signed_in_page(Permission.CHANGE_ACCOUNTING_PROFILE))]
PolicyMaker = Annotated[Caller, Depends(signed_in_page(Permission.CHANGE_POLICY))]
TemplateWriter = Annotated[Caller, Depends(signed_in_page(Permission.CHANGE_TEMPLATE))]


def a_reason(reason: Annotated[str, Form()] = "") -> str:
    """Return the reason that was typed in the field `reason`.

    Raises:
        RequestValidationError: there is none, or it is too long; the form comes back and says so at the field.
    """
    try:
        return _given.validate_python(reason)
    except ValidationError as error:
        wrong = [{**one, "loc": ("body", "reason")} for one in error.errors()]
        raise RequestValidationError(wrong) from error


_given: TypeAdapter[str] = TypeAdapter(reason.Reason)

Reason = Annotated[str, Depends(a_reason)]
"""The field `reason`, where one must be given."""
Remark = Annotated[str, Form(max_length=2000)]
"""A reason where none is needed."""


async def refused(request: Request, error: RefusedError) -> int:
    """Audit a refusal that a page explains itself, and return its status."""
    await problems.record_refusal(request, error.code, str(error))
    return error.status


def typed_day(text: str) -> date | None:
    """Return the day that was typed; None for an empty field.

    Raises:
        BadInputError: it is no day.
    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInputError(f"{text!r} is no day: write it as 2027-03-31") from error


def needed_day(text: str, what: str) -> date:
    """Return the day that was typed.

    Raises:
        BadInputError: it is no day, or the field is empty: then `what` is asked for.
    """
    day = typed_day(text)
    if day is None:
        raise BadInputError(f"name {what}")
    return day
