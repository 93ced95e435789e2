"""The page to go on to after signing in: one of our own, whatever was asked for."""

from urllib.parse import quote, urlsplit

from starlette.requests import Request

_LONGEST = 1000


def own_path(asked: str) -> str:
    r"""Return a path of our own, else `/`.

    Browsers read `//host` and `/\host` as another site and leave tabs and line ends out, so all of these are refused.
    """
    own = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked
    return asked if own and asked.isascii() and min(asked) > " " and len(asked) <= _LONGEST else "/"


def sign_in_path(request: Request) -> str:
    """Return the sign-in page that leads back to what this request's browser is showing."""
    if "hx-request" in request.headers:
        shown = urlsplit(request.headers.get("hx-current-url", ""))
    elif request.method == "GET":
        shown = urlsplit(str(request.url))
    else:
        shown = urlsplit(request.headers.get("referer", ""))
    path = f"{shown.path}?{shown.query}" if shown.query else shown.path
    target = own_path(path or "/")
    return "/sign-in" if target == "/" else f"/sign-in?next={quote(target, safe='/')}"
