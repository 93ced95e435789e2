"""Errors as answers: RFC 9457 problem documents for programs. Each refusal is audited."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from temporalio.service import RPCError, RPCStatusCode

from credit.audit_entries.system import RequestRefused
from credit.plain_text import kept
from credit.validation import all_that_is_wrong, allowed_by, place_of, what_is_wrong
from db import audit
from db.engine import in_transaction
from db.errors import (
    ClaimedByAnotherError,
    CustomerOnHoldError,
    DeviceCodeError,
    RefusedError,
    StaleRevisionError,
    StaleVersionError,
    TooManyDeviceCodesError,
    UnseenEvidenceError,
)
from db.holds.awaiting import NoWorkerError
from desk.sign_in.strangers import NOBODY, address_of
from netsuite.errors import NetSuiteAwayError
from rendering.renderer import RendererAwayError
from services.answers import utc
from services.freight.gates import NoAnswerError
from services.relay import NotToldError

_AWAY = {
    NoWorkerError: "no_worker",
    NotToldError: "temporal_away",
    RendererAwayError: "renderer_away",
    NetSuiteAwayError: "netsuite_away",
}
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_QUESTIONS = frozenset({"/api/rates", "/api/ar-aging/backtest", "/api/device-tokens"})
"""POSTs that decide nothing, or are repeated until somebody has: a refusal of theirs is no audit row."""
_RETRY_AFTER = {"Retry-After": "5"}
_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """A problem document (RFC 9457). `code` is stable; `detail` says what is wrong and what to do."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str


F = TypeVar("F", bound=Callable[..., Any])


def refuses(*errors: type[Exception]) -> Callable[[F], F]:
    """Say what a handler or dependency raises for its caller to read: the OpenAPI document is made of it.

    What its dependencies say need not be repeated, nor what every request may meet.
    """

    def say(function: F) -> F:
        vars(function)["refusals"] = errors
        return function

    return say


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: object
) -> JSONResponse:
    """Return a problem document. `code` is stable, `detail` says what to do."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code} | more
    return JSONResponse({**body, "detail": detail}, status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    for kind in (RefusedError, RequestValidationError, HTTPException, RPCError, SQLAlchemyError, Exception):
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(RuntimeError, answer)


async def answer(request: Request, error: Exception) -> Response:
    if isinstance(error, RefusedError) and request.method in _UNSAFE and request.url.path not in _QUESTIONS:
        await record_refusal(request, error.code, str(error))
    if isinstance(error, SQLAlchemyError) and not isinstance(error, DataError):
        _log.warning("the database failed a request", error=str(error)[:500])
    answered = problem_of(error, if_match="if-match" in request.headers)
    if answered.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("a request failed", path=request.url.path, exc_info=error)
    return answered


def problem_of(error: Exception, *, if_match: bool = False) -> JSONResponse:
    """Return the problem document of an error, for a request with or without `If-Match`."""
    match error:
        case RefusedError():
            return _refused(error, if_match=if_match)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _http(error)
        case DataError():  # what the database cannot keep, a NUL in a text for one
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_input", "a text or number given cannot be kept")
        case SQLAlchemyError():
            said = str(error) if isinstance(error, NoAnswerError) else "the database did not answer; try again soon"
            return _away("database_away", said)
        case RPCError(status=RPCStatusCode.NOT_FOUND):
            detail = "the workflow is gone; the next reconcile starts it again from the record: try again in minutes"
            return problem(HTTPStatus.CONFLICT, "workflow_gone", detail)
        case NoWorkerError() | NotToldError() | RendererAwayError() | NetSuiteAwayError():
            return _away(_AWAY[type(error)], str(error))
        case RPCError():
            return _away("temporal_away", f"Temporal cannot be reached or refused: {error}; try again soon")
        case RuntimeError() if str(error).startswith("Failed client connect"):  # the SDK's first connection
            return _away("temporal_away", "Temporal cannot be reached; try again soon")
        case _:
            detail = "this is a mistake of the desk's, not yours; its log says more"
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)


def _away(code: str, detail: str) -> JSONResponse:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers=_RETRY_AFTER)


def _refused(error: RefusedError, *, if_match: bool) -> JSONResponse:
    status = error.status
    more: dict[str, object] = {}
    match error:
        case ClaimedByAnotherError():
            more = {"claimed_by": error.holder, "claimed_until": utc(error.until)}
        case DeviceCodeError():
            more = {"error": error.code}  # RFC 6749, section 5.2
        case StaleRevisionError():
            more = {"shown": error.shown, "current": error.current}
            if if_match:
                status = HTTPStatus.PRECONDITION_FAILED
        case UnseenEvidenceError():
            more = {"unseen": error.unseen, "evidence_count": error.count}
        case StaleVersionError():
            more = {"current": error.current}
        case CustomerOnHoldError():
            more = {"message": str(error), "template": error.template, "holds": error.holds}
    difference = getattr(error, "difference", None)
    if difference is not None:
        more["difference"] = difference
    return problem(status, error.code, str(error), headers=_headers(error), **more)


def _headers(error: RefusedError) -> dict[str, str] | None:
    if isinstance(error, TooManyDeviceCodesError):
        return {"Retry-After": str(error.retry_after)}
    return {"WWW-Authenticate": "Bearer"} if error.status is HTTPStatus.UNAUTHORIZED else None


async def record_refusal(request: Request, code: str, why: str) -> None:
    """Write an audit row of a request that was refused. A database that is away does not hide the refusal."""
    if getattr(request.state, "inside", False):
        return
    who = getattr(request.state, "caller", None)
    name = who.name if who else NOBODY
    if not request.app.state.strangers.admit(address_of(request), name):
        return  # counted
    entry = RequestRefused(
        method=request.method,
        path=kept(request.url.path[:500]),
        address=request.client.host if request.client else "",
        code=code,
        why=kept(why[:1000]),
        token=who.token.name if who and who.token and who.token.name != who.name else "",
    )

    def write(session: Session) -> None:
        audit.append(session, chain=audit.SYSTEM, entry=entry, actor=name, at=datetime.now(UTC))

    try:
        await in_transaction(request.app.state.surroundings.engine, write)
    except SQLAlchemyError as error:
        _log.warning("a refusal could not be audited", error=str(error)[:500], **entry.detail())


def _invalid(error: RequestValidationError) -> JSONResponse:
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return problem(HTTPStatus.BAD_REQUEST, "malformed_json", "the body is not JSON")
    detail = all_that_is_wrong(error.errors())
    errors = [_error(one) for one in error.errors()]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_input", detail, errors=errors)


def _error(error: dict[str, Any]) -> dict[str, Any]:
    """Return one error for programs: the field, and the values it may have, by the names they are sent by."""
    allowed = allowed_by(error)
    return {"where": place_of(error), "what": what_is_wrong(error)} | ({"allowed": allowed} if allowed else {})


def _http(error: HTTPException) -> JSONResponse:
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
