"""What the routes of the API share: who may call, texts that can be kept, and what every route declares."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from credit import reason
from credit.permissions import Permission
from credit.plain_text import plain, plain_line
from db.errors import BadInputError, RefusedError
from db.people.tokens import Caller
from desk import etags, idempotency
from desk.access import needs
from desk.surroundings import Surroundings, surroundings

Desk = Annotated[Surroundings, Depends(surroundings)]

Viewer = Annotated[Caller, Depends(needs(Permission.LOOK))]
Starter = Annotated[Caller, Depends(needs(Permission.START_HOLD))]
Decider = Annotated[Caller, Depends(needs(Permission.DECIDE))]
Retrier = Annotated[Caller, Depends(needs(Permission.RETRY_BEAT))]
Editor = Annotated[Caller, Depends(needs(Permission.EDIT_MESSAGE))]
Sender = Annotated[Caller, Depends(needs(Permission.SEND_MESSAGE))]
Scanner = Annotated[Caller, Depends(needs(Permission.RUN_SCAN))]
Scheduler = Annotated[Caller, Depends(needs(Permission.SCHEDULE_SCAN))]
OrderTaker = Annotated[Caller, Depends(needs(Permission.TAKE_ORDER))]
LoadMover = Annotated[Caller, Depends(needs(Permission.MOVE_LOAD))]
ProfileChanger = Annotated[Caller, Depends(needs(Permission.CHANGE_ACCOUNTING_PROFILE))]
PolicyMaker = Annotated[Caller, Depends(needs(Permission.CHANGE_POLICY))]
Auditor = Annotated[Caller, Depends(needs(Permission.READ_AUDIT))]
PeopleAdmin = Annotated[Caller, Depends(needs(Permission.MANAGE_PEOPLE))]
TemplateWriter = Annotated[Caller, Depends(needs(Permission.CHANGE_TEMPLATE))]

Word = AfterValidator(plain_line)
"""One line without a character that could disguise the record."""
Prose = AfterValidator(plain)
"""Any number of them."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Word]
Why = reason.Reason
"""A reason, for the record."""
Said = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Prose]
"""A reason where none is needed."""
Text = Annotated[str, StringConstraints(max_length=100_000), Prose]

CustomerId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]
HoldName = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$", description="A hold's id, or a customer's.")]

IfMatch = Annotated[str | None, Header(alias="If-Match", description='The revision or version shown, like `"3"`.')]


class Body(BaseModel):
    """A request's JSON body. An unknown member is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Reason(Body):
    """Why something is done."""

    reason: Why


class Mended(Body):
    """What was mended, where there is something to say."""

    reason: Said = ""


class IfMatchMissingError(RefusedError):
    """A change must say what it changes."""

    code = "if_match_missing"
    status = HTTPStatus.PRECONDITION_REQUIRED

    def __init__(self) -> None:
        super().__init__('send the version you changed as `If-Match: "N"`: it is the ETag of what you read')


def api_router(tag: str, prefix: str = "/api", *, heeds_key: bool = True) -> APIRouter:
    """Return a router of the API.

    Its POSTs heed `Idempotency-Key`, except where the answer must not be kept, or the event has an id of its own.
    """
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=idempotency.Route if heeds_key else etags.Route,
    )


def number_in(if_match: str | None) -> int | None:
    """Return the revision or version of an `If-Match` header; None without one, or for `*`.

    Raises:
        BadInputError: it is not a number in quotes.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().removeprefix('"').removesuffix('"')
    if not (number.isascii() and number.isdigit() and len(number) <= 9):  # noqa: PLR2004 (what the column keeps)
        raise BadInputError('If-Match takes what ETag gave, a number in quotes: `"3"`')
    return int(number)


def revision_of(if_match: str | None, in_body: int | None) -> int:
    """Return the revision that a person was shown, from `If-Match` or the body.

    Raises:
        BadInputError: neither names it, or they differ.
    """
    named = number_in(if_match)
    shown = in_body if named is None else named
    if shown is None:
        raise BadInputError("body.revision: give the revision you were shown, here or as If-Match")
    if in_body not in (None, shown):
        raise BadInputError("body.revision: it differs from If-Match; give one of them")
    return shown
