"""Errors as answers: RFC 9457 problem documents for programs. Each refusal is audited."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from db.engine import transaction
from db.errors import RefusedError
from db.repositories import audit

_STATUS = {
    "not_signed_in": HTTPStatus.UNAUTHORIZED,
    "unknown_token": HTTPStatus.UNAUTHORIZED,
    "not_allowed": HTTPStatus.FORBIDDEN,
    "self_approval": HTTPStatus.FORBIDDEN,
    "unknown_hold": HTTPStatus.NOT_FOUND,
    "unknown_customer": HTTPStatus.NOT_FOUND,
    "unknown_message": HTTPStatus.NOT_FOUND,
    "bad_input": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_schedule": HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""`RefusedError.code` -> status; every other refusal is a conflict with what is there (409)."""

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_log = structlog.get_logger(__name__)


def problem(status: int, code: str, detail: str, **more: object) -> JSONResponse:
    """Return a problem document. `code` is stable, `detail` says what to do."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code} | more
    return JSONResponse({**body, "detail": detail}, status, media_type="application/problem+json")


def status_of(error: RefusedError) -> HTTPStatus:
    """Return the status that answers a refusal."""
    return _STATUS.get(error.code, HTTPStatus.CONFLICT)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RPCError, _temporal_away)
    app.add_exception_handler(SQLAlchemyError, _database_away)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 (what it was installed for)
    if request.method in _UNSAFE:
        await record_refusal(request, error.code, str(error))
    return problem(status_of(error), error.code, str(error))


async def record_refusal(request: Request, code: str, why: str) -> None:
    """Write an audit row of a request that was refused. A database that is away does not hide the refusal."""
    who = getattr(request.state, "caller", None)
    detail = {
        "method": request.method,
        "path": request.url.path[:500],
        "address": request.client.host if request.client else "",
        "code": code,
        "why": why[:1000],
    }

    def write() -> None:
        with transaction(request.app.state.surroundings.engine) as session:
            actor = who.name if who else "unknown"
            audit.append(
                session, chain=audit.SYSTEM, actor=actor, action="request_refused", at=datetime.now(UTC), detail=detail
            )

    try:
        await asyncio.to_thread(write)
    except SQLAlchemyError as error:
        _log.warning("a refusal could not be audited", error=str(error)[:500], **detail)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [{"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in found)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_input", detail, errors=found)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return problem(error.status_code, code, str(error.detail))


async def _temporal_away(_: Request, error: Exception) -> Response:
    detail = f"Temporal cannot be reached or refused: {error}; try again, `hold doctor` says more"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "temporal_away", detail)


async def _database_away(_: Request, error: Exception) -> Response:
    _log.warning("the database failed a request", error=str(error)[:500])
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_away", "the database did not answer; try again soon")
