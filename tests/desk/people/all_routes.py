"""Every route of the desk, as an address that can be asked for."""

import re
from collections.abc import Iterator
from functools import cache

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import Mount

from tests.desk.server import first_app

OPEN = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/sign-in",
    "/sign-in/provider",
    "/sign-in/callback",
    "/api/docs",
    "/api/openapi.json",
    "/admin-dashboard.html",
    "/api/device-codes",
    "/api/device-tokens",
}
"""What anybody may ask for: nothing of it tells of, or changes, a hold."""


@cache
def routes() -> list[RouteContext]:
    return list(iter_route_contexts(first_app().routes))


def asked() -> Iterator[tuple[str, str]]:
    """Method and path of all that is not open, with names of nobody in the paths."""
    for route in routes():
        path = route.path or ""
        if path not in OPEN and not isinstance(route.route, Mount):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, re.sub(r"{[^}]+}", "00000000-0000-0000-0000-000000000000", path)
