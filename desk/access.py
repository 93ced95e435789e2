"""Who is asking, and whether they may: every route names the permission it takes.

    @router.post("/api/holds")                     JSON; refusals are problem documents
    async def start(desk: Desk, who: Annotated[Caller, Depends(needs(Permission.START_HOLD))]) -> Document: ...

    @router.get("/holds")                          pages; who is not signed in is sent to /sign-in and back
    async def page(request: Request, who: Annotated[Caller, Depends(signed_in_page(Permission.LOOK))]) -> Response: ...

A caller is known by a bearer token (programs) or a session cookie (browsers); where both come, the token counts. An
unsafe request that counts on a cookie must carry the session's CSRF token, as form field `csrf_token` or header
`X-CSRF-Token`. Then `request.state.caller` is the Caller and `request.state.session` the UserSession, None for a token.
Nobody is a caller before his one-time password is changed, but where that is changed and where one signs out.
"""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, ClassVar

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from credit.permissions import Permission, Role
from db.errors import NotAllowedError, OwnerDisabledError, RefusedError, TokenExpiredError, UnknownTokenError
from db.models import UserSession
from db.people import absences, sessions, tokens
from db.people.sessions import Lifetime
from db.people.tokens import Caller
from desk import problems
from desk.forms.sent import CSRF_FIELD
from desk.plain_input import FORMS, require_plain
from desk.sign_in import cookies
from desk.surroundings import Surroundings, in_transaction, surroundings
from runtime.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_HEADER = "x-csrf-token"


class NotSignedInError(RefusedError):
    code = "not_signed_in"
    status = HTTPStatus.UNAUTHORIZED


class SignInNeededError(NotSignedInError):
    """Somebody who is not signed in (any more) asked for a page."""


class NoCsrfTokenError(RefusedError):
    """An unsafe request counted on a cookie and did not prove that it comes from our own pages."""

    code = "no_csrf_token"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "nothing was done: the request did not carry this session's CSRF token; load the page again and repeat"
        )


class CrossSiteError(RefusedError):
    """Another site made the browser send an unsafe request."""

    code = "cross_site"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("nothing was done: the request came from another site")


class PasswordChangeNeededError(RefusedError):
    """The password was made by the system; nothing else can be done before it is changed."""

    code = "password_change_needed"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("first change the one-time password at /password")


def bearer_token(request: Request) -> str | None:
    """Return the token of `Authorization: Bearer …`; None where the request carries none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def lifetime(settings: Settings) -> Lifetime:
    """Return when sessions end."""
    return Lifetime(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))


async def caller(request: Request, desk: Annotated[Surroundings, Depends(surroundings)]) -> Caller:
    """Return who is asking: a FastAPI dependency.

    Raises:
        NotSignedInError: neither a token nor a session that can be used.
        UnknownTokenError: the token is nobody's.
        NoCsrfTokenError: an unsafe request with a session's cookie, and without its CSRF token.
        PasswordChangeNeededError: the password has to be changed first.
    """
    who = await _whoever(request, desk)
    signed_in: UserSession | None = request.state.session
    if signed_in is not None and signed_in.user.one_time_password:
        raise PasswordChangeNeededError
    return who


async def look_who_asks(request: Request) -> None:
    """Put who is asking into `request.state`, if anybody is, for a page that is for everybody: it refuses nobody."""
    if hasattr(request.state, "caller"):
        return
    with suppress(RefusedError, SQLAlchemyError):
        await caller(request, surroundings(request))


async def _whoever(request: Request, desk: Surroundings) -> Caller:
    """Return who is asking, with a one-time password too: for the routes that say so, all others ask `caller`."""
    request.state.session = None
    token = bearer_token(request)
    if token is not None:
        request.state.caller = await in_transaction(desk, _token_caller, token)
        return request.state.caller  # type: ignore[no-any-return]  # what was just put there
    cookie = cookies.read(request, desk.settings, cookies.SESSION)
    if not cookie:
        raise NotSignedInError("sign in at /sign-in, or send an API token as `Authorization: Bearer …`")
    in_use = request.headers.get("x-background") != "1"  # a page left open does not keep its session alive
    found, why = await in_transaction(desk, _session, cookie, lifetime(desk.settings), in_use=in_use)
    if found is None or why is not None:
        if found is not None:
            request.state.caller = found[1]  # whose refusal it is
        error = NotSignedInError(f"{why or 'the session is not known'}: sign in again at /sign-in")
        if request.method in SAFE_METHODS and found is None:  # an unsafe one is audited with every refusal
            await problems.record_refusal(request, "unknown_session", str(error))
        raise error
    row, person = found
    request.state.caller, request.state.session = person, row
    if request.method not in SAFE_METHODS and not hmac.compare_digest(
        (await _sent_csrf_token(request)).encode(), row.csrf_token.encode()
    ):
        raise NoCsrfTokenError
    return person


def _token_caller(session: Session, token: str) -> Caller:
    now = datetime.now(UTC)
    who = tokens.caller(session, token, now)
    tokens.used(session, who, now)
    return absences.standing_in(session, who, now)


def _session(
    session: Session, cookie: str, ends: Lifetime, *, in_use: bool
) -> tuple[tuple[UserSession, Caller] | None, str | None]:
    now, row = datetime.now(UTC), sessions.by_cookie(session, cookie)
    if row is None:
        return None, None
    why = sessions.ended(row, ends, now)
    if why is None and in_use:
        sessions.seen(session, row, ends, now)
    return (row, absences.standing_in(session, _person(row), now)), why


def _person(row: UserSession) -> Caller:
    return Caller(row.user.login, Role[row.user.role.upper()], signed_in=True)


async def _sent_csrf_token(request: Request) -> str:
    if header := request.headers.get(CSRF_HEADER):
        return header
    if request.headers.get("content-type", "").startswith(FORMS):
        value = (await request.form()).get(CSRF_FIELD)  # kept by the request: the route reads the same form
        return value if isinstance(value, str) else ""
    return ""


@dataclass(frozen=True)
class Needs:
    """A dependency that gives the caller, and refuses one whose role does not reach `permission`.

    Args:
        permission: What the route does.
        page: Whether it answers people: who is not signed in is led to the sign-in page.
        one_time_password: Whether it is reachable with a one-time password that must be changed first.
    """

    permission: Permission
    page: bool = False
    one_time_password: bool = False

    refusals: ClassVar[tuple[type[Exception], ...]] = (
        NotSignedInError,
        UnknownTokenError,
        TokenExpiredError,
        OwnerDisabledError,
        NotAllowedError,
        PasswordChangeNeededError,
    )

    async def __call__(self, request: Request, desk: Annotated[Surroundings, Depends(surroundings)]) -> Caller:
        """Return the caller.

        Raises:
            NotSignedInError: nobody is signed in; SignInNeededError for a page.
            PasswordChangeNeededError: the password has to be changed first.
            NotAllowedError: the caller's role does not reach.
            RequestValidationError: the request has a text with a character that is not taken.
        """
        try:
            who = await self.who(request, desk)
        except NotSignedInError as error:
            raise (SignInNeededError(str(error)) if self.page else error) from None
        try:
            who.require(self.permission)
        except NotAllowedError as error:
            if request.method in SAFE_METHODS:  # an unsafe one is audited with every refusal
                await problems.record_refusal(request, error.code, str(error))
            raise
        if request.method not in SAFE_METHODS:
            await require_plain(request)
        return who

    async def who(self, request: Request, desk: Surroundings) -> Caller:
        """Return who is asking, whatever they may do."""
        return await (_whoever if self.one_time_password else caller)(request, desk)


def needs(permission: Permission) -> Needs:
    return Needs(permission)


def signed_in_page(permission: Permission, *, one_time_password: bool = False) -> Needs:
    return Needs(permission, page=True, one_time_password=one_time_password)
