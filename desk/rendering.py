"""Pages: Jinja templates, always escaped, and what every one of them knows."""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from credit.permissions import Permission
from db.people.tokens import Caller
from desk import flashes, formats, isolation

STATIC = Path(__file__).parent / "static"

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=[isolation.Isolation],
)
_environment.filters.update(formats.FILTERS)


@cache
def version_of(name: str) -> str:
    """Return a hash of a static file's content: part of its address, so that browsers may keep it for ever."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    return f"/static/{name}?v={version_of(name)}"


_environment.globals["asset"] = asset
_environment.globals[isolation.NAME] = isolation.isolated


def render(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """Return a whole page; it shows the flash message of the redirect that led here, once.

    Every template knows `caller` (None for a stranger), `csrf_token`, `may("START_HOLD")`, `must_change_password`,
    `now`, `path`, `flash` and `temporal_ui` besides its own context.
    """
    response = part(request, template, status, flash=flashes.found(request), **context)
    flashes.clear(request, response)
    return response


def render_live(
    request: Request, template: str, status: int = 200, *, address: str, every: int | None, **context: object
) -> Response:
    """Return a whole page that stays true: it asks for itself at `address` and takes over what differs.

    A page that is asked for by itself takes no flash message, and answers 204 where it would say the same again.

    Args:
        every: after how many seconds it asks; None for a page on which nothing will change.
    """
    if request.method == "GET":
        address = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    live = {"address": address, "every": every}
    seen = request.headers.get(SEEN)
    if seen is None:
        return render(request, template, status, live=live, **context)
    response = part(request, template, status, live=live, flash=None, **context)
    return Response(status_code=204) if f'"{SEEN}": "{seen}"'.encode() in response.body else response


SEEN = "X-Seen"
"""The header by which a live page tells what it says already."""

_CLOCK = re.compile(r"(<time[^>]* data-(?:since|until)[^>]*>)[^<]*")


def _digest(main: str) -> str:
    """Return what tells whether a page says something else, but for clocks, which run in the browser."""
    return hashlib.sha256(_CLOCK.sub(r"\1", main).encode()).hexdigest()[:16]


_environment.filters["digest"] = _digest


def part(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """Return a piece of a page, for a swap: like `render`, but flash messages wait for the next page."""
    return HTMLResponse(markup(request, template, **context), status, headers={"Cache-Control": "no-store"})


def markup(request: Request, template: str, **context: object) -> Markup:
    return Markup(_environment.get_template(template).render(_surroundings(request) | context))  # noqa: S704


def wants_page(request: Request) -> bool:
    """Whether a person's browser is asking, rather than a program."""
    asks = "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers
    return asks and not request.url.path.startswith("/api/")


def _surroundings(request: Request) -> dict[str, object]:
    caller: Caller | None = getattr(request.state, "caller", None)
    session = getattr(request.state, "session", None)
    settings = request.app.state.surroundings.settings
    return {
        "caller": caller,
        "csrf_token": csrf_token(request),
        "may": _may(caller),
        "must_change_password": bool(session and session.user.one_time_password),
        "now": datetime.now(UTC),
        "path": request.url.path,
        "temporal_ui": f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows",
    }


def csrf_token(request: Request) -> str:
    """Return what this session's forms must carry; empty without a session."""
    session = getattr(request.state, "session", None)
    return session.csrf_token if session else ""


def _may(caller: Caller | None) -> Callable[[str], bool]:
    return lambda permission: caller is not None and caller.may(Permission[permission])
