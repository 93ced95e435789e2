"""ETags: what is read is known by its version or its content, and a client that has it already is told so (304)."""

import hashlib
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_KEPT = ("etag", "link")


class Route(APIRoute):
    """A route whose GETs have an ETag: of their content, unless they gave one. What says `no-store` is left alone."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._reads = "GET" in (options.get("methods") or ())
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        return _unless_known(handle) if self._reads else handle


class _Revised(Protocol):
    revision: int


class _Versioned(Protocol):
    version: int


R = TypeVar("R", bound=_Revised)
V = TypeVar("V", bound=_Versioned)


def revised(response: Response, answer: R) -> R:
    """Say at which revision the answer is, for `If-Match`. It lives on within one, so a copy is never fresh."""
    response.headers["ETag"] = f'"{answer.revision}"'
    response.headers["Cache-Control"] = "no-store"
    return answer


def versioned(response: Response, answer: V) -> V:
    """Say which version the answer is: it never changes within one."""
    response.headers["ETag"] = f'"{answer.version}"'
    return answer


def _unless_known(handle: Handler) -> Handler:
    async def handler(request: Request) -> Response:
        response = await handle(request)
        headers = response.headers
        if response.status_code != HTTPStatus.OK or headers.get("cache-control") == "no-store":
            return response
        etag = headers.setdefault("etag", f'W/"{hashlib.sha256(response.body).hexdigest()[:32]}"')
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if "*" in known or etag.removeprefix("W/") in known:
            kept = {name: headers[name] for name in _KEPT if name in headers}
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)
        return response

    return handler
