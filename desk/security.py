"""What protects every answer and every request of the desk, whatever its route.

* answers carry a Content-Security-Policy that lets nothing of other origins in, and are kept by no cache;
* a request for another host name is refused (DNS rebinding), where `desk_url` says which one is ours;
* an unsafe request that another site made the browser send is refused (its CSRF token is checked in `access.py`);
* a body may have 2 MiB: the longest message, in the script whose letters take the most bytes, and a bit.
"""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.errors import RefusedError
from desk import problems
from desk.access import SAFE_METHODS, CrossSiteError, bearer_token
from desk.forms.door import FormDoor
from runtime.settings import Settings

MAX_BODY = 2 * 1024 * 1024
"""Bytes of a request's body."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "object-src 'none'"
)

MAIL_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; form-action 'none'; "
    "base-uri 'none'; sandbox"
)
"""For a mail shown as it will arrive, in a frame of our own page: nothing in it runs, loads or posts."""

API_DOCS_POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI writes styles into its own markup; scripts stay those of this origin."""

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HSTS = "max-age=31536000"
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by machines under whatever name they know."""

_log = structlog.get_logger(__name__)


class UnknownHostError(RefusedError):
    """The request is for another host's name."""

    code = "unknown_host"
    status = HTTPStatus.MISDIRECTED_REQUEST

    def __init__(self, host: str) -> None:
        super().__init__(f"this is not {host!r}: set HOLD_DESK_URL, or open that")


class TooLargeError(HTTPException):
    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request's body may have {MAX_BODY} bytes")


class ProtectedApp(FastAPI):
    """A FastAPI application that is wrapped whole, so that its 500s carry the headers too."""

    def __init__(self, settings: Settings, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # FastAPI's own options
        self._settings = settings

    def build_middleware_stack(self) -> ASGIApp:
        return Protection(FormDoor(super().build_middleware_stack()), self._settings)


class Protection:
    """ASGI middleware: the rules at the top of this module."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        desk = urlsplit(settings.desk_url)
        self._https = desk.scheme == "https"
        port = f":{desk.port}" if desk.port else ""
        self._hosts = frozenset({desk.netloc, f"127.0.0.1{port}", f"localhost{port}"}) if desk.netloc else None
        self._origin = f"{desk.scheme}://{desk.netloc}" if desk.netloc else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._protect(scope, MutableHeaders(scope=message))
            await send(message)

        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is None:
            await self._app(scope, _limited(request.headers, receive), send_protected)
            return
        await problems.record_refusal(request, refusal.code, str(refusal))
        await problems.problem_of(refusal)(scope, receive, send_protected)

    def _protect(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        # A file is asked for again with its ETag; all else is somebody's own.
        headers.setdefault("cache-control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
        if self._https:
            headers.setdefault("strict-transport-security", _HSTS)

    def _refusal(self, request: Request) -> RefusedError | None:
        host = request.headers.get("host", "")
        if self._hosts is not None and host not in self._hosts and request.url.path not in _PROBES:
            return UnknownHostError(host)
        if request.method in SAFE_METHODS or bearer_token(request) is not None:
            return None  # another site can't make a browser send that header
        if not self._from_own_page(request.headers, request.url.scheme, host):
            return CrossSiteError()
        return None

    def _from_own_page(self, headers: Mapping[str, str], scheme: str, host: str) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = headers.get("origin")
        return origin is None or origin in {self._origin, f"{scheme}://{host}"}


def _limited(headers: Headers, receive: Receive) -> Receive:
    length = headers.get("content-length", "")
    left = MAX_BODY - (int(length) if length.isdecimal() else 0)
    counted = 0

    async def receive_limited() -> Message:
        nonlocal counted
        message = await receive()
        counted += len(message.get("body", b""))
        if left < 0 or counted > MAX_BODY:
            raise TooLargeError
        return message

    return receive_limited
