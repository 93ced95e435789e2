"""The desk's cookies: what they are called, how they are set, and how they go.

Where people open the desk by https, a name begins with `__Host-`: the browser then takes the cookie only from this
host, for all of it, over TLS (RFC 6265bis 4.1.3.2).
"""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from runtime.settings import Settings

SESSION = "desk_session"
"""Who is signed in."""

STRANGER = "desk_stranger"
"""The token that the sign-in form must repeat: no other site can sign this browser in."""

DEVICE = "desk_device"
"""That a person signed in from this browser before: `db/people/sign_ins.py`."""

PROVIDER = "desk_provider"
"""What this browser asked the OpenID Connect provider, until it comes back."""


def secure(settings: Settings) -> bool:
    """Whether people open the desk by https."""
    return settings.desk_url.startswith("https://")


def read(request: HTTPConnection, settings: Settings, name: str) -> str:
    """Return a cookie's value; empty where the browser sent none."""
    return request.cookies.get(_name(settings, name), "")


def give(response: Response, settings: Settings, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set a cookie, for so long or until the browser is closed."""
    response.set_cookie(
        _name(settings, name), value, max_age=seconds, path="/", secure=secure(settings), httponly=True, samesite="lax"
    )


def take(response: Response, settings: Settings, name: str) -> None:
    response.delete_cookie(_name(settings, name), path="/", secure=secure(settings), httponly=True, samesite="lax")


def _name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if secure(settings) else name
