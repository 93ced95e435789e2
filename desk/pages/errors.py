"""Errors as pages: for a browser, every problem document becomes a page that says the same."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from db.errors import NotFoundError
from desk import problems
from desk.access import look_who_asks
from desk.forms import refusals
from desk.forms.sent import Refusal
from desk.rendering import render, wants_page

_Handler = Callable[[Request, Exception], Awaitable[Response]]

_TITLES = {
    HTTPStatus.UNAUTHORIZED: "You are not signed in",
    HTTPStatus.FORBIDDEN: "You may not do this",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "There is nothing here",
    HTTPStatus.CONFLICT: "It has changed meanwhile",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This makes no sense yet",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not possible right now",
}
_CHECK = "check the address, or begin at the queue"
_UNFORESEEN = "Something went wrong on our side; it was written to the log. Nothing was done, or try again to see."


def install(app: FastAPI) -> None:
    """Wrap every handler of errors: programs get what it answers, browsers a page of it."""
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _as_page(cast("_Handler", handler)))
    if Exception not in app.exception_handlers:
        app.add_exception_handler(Exception, _as_page(_unforeseen))


async def _unforeseen(_: Request, __: Exception) -> Response:
    return problems.problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unforeseen", _UNFORESEEN)


def _as_page(handler: _Handler) -> Callable[[Request, Exception], Any]:
    async def answer(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if response.media_type != "application/problem+json" or not wants_page(request):
            return response
        problem = json.loads(bytes(response.body))
        status, refusal, listed_at = HTTPStatus(response.status_code), Refusal(problem["detail"]), None
        match error:
            case HTTPException(status_code=HTTPStatus.NOT_FOUND):
                refusal = Refusal(_CHECK)
                await look_who_asks(request)
            case NotFoundError():
                refusal, listed_at = Refusal(error.said), error.listed_at
            case RequestValidationError() if any(one["loc"][:1] == ("path",) for one in error.errors()):
                refusal, status = Refusal(_CHECK), HTTPStatus.NOT_FOUND
            case RequestValidationError():
                refusal = refusals.of_fields(error)
            case _:
                pass
        request.state.refusal = refusal  # the door puts it into the form that was sent
        return render(
            request,
            "error.html",
            status,
            title=_TITLES.get(status, problem["title"]),
            kicker=int(status),
            detail=refusal.problem,
            listed_at=listed_at,
        )

    return answer
