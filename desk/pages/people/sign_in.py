"""`/sign-in` and `/sign-out`: with a password, or with an OpenID Connect provider."""

import hmac
import secrets
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from credit.audit_entries.people import SignedOut
from credit.permissions import Permission
from db import audit
from db.errors import RefusedError
from db.people import sessions
from db.people.tokens import Caller
from desk import problems
from desk.access import PasswordChangeNeededError, SignInNeededError, signed_in_page
from desk.forms.sent import Sent
from desk.pages.common import Desk
from desk.rendering import render
from desk.sign_in import cookies, signing_in
from desk.sign_in.errors import OneTimePasswordOverError, SignInRefusedError, TooManyAttemptsError, WrongPasswordError
from desk.sign_in.next_page import own_path, sign_in_path
from desk.sign_in.oidc import Attempt, Provider
from desk.sign_in.provider_people import person
from desk.sign_in.strangers import address_of
from desk.surroundings import Surroundings, in_transaction, surroundings

router = APIRouter(include_in_schema=False)

Anybody = Annotated[Caller, Depends(signed_in_page(Permission.LOOK, one_time_password=True))]
"""Who is signed in, with a one-time password too."""

_ATTEMPT_SECONDS = 600


def install(app: FastAPI) -> None:
    """Lead who is not signed in to the sign-in page, and who has a one-time password to its change."""
    app.add_exception_handler(SignInNeededError, _sign_in_needed)
    app.add_exception_handler(PasswordChangeNeededError, _password_change_needed)


async def _sign_in_needed(request: Request, error: Exception) -> Response:
    there = sign_in_path(request)
    if request.method in {"GET", "HEAD"} and "hx-request" not in request.headers:
        return RedirectResponse(there, 303)
    if request.method not in {"GET", "HEAD"}:
        await problems.record_refusal(request, SignInNeededError.code, str(error))
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": there})
    sent: Sent | None = getattr(request.state, "sent", None)
    again = sent.kept() if sent is not None and sent.words else ""
    next_page = dict(parse_qsl(urlsplit(there).query)).get("next", "/")
    why = "nothing was done: you are not signed in (any more)"
    return _form(request, surroundings(request), next_page, status=401, error=why, again=again)


async def _password_change_needed(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(("/api/", "/admin/")):
        return await problems.answer(request, error)
    if request.method not in {"GET", "HEAD"}:
        await problems.record_refusal(request, PasswordChangeNeededError.code, str(error))
    if "hx-request" in request.headers:
        return Response(status_code=403, headers={"HX-Redirect": "/password"})
    sent: Sent | None = getattr(request.state, "sent", None)
    if sent is not None and sent.words:  # what was typed is shown below
        return render(request, "people/password.html", 403, user=request.state.session.user, error=str(error))
    return RedirectResponse("/password", 303)


@router.get("/sign-in")
async def form(request: Request, desk: Desk, next: str = "/") -> Response:  # noqa: A002 (the query's name)
    return _form(request, desk, next)


@router.post("/sign-in")
async def with_password(
    request: Request,
    desk: Desk,
    login: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=10_000)] = "",
    csrf_token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
    again: Annotated[str, Form()] = "",
) -> Response:
    expected = cookies.read(request, desk.settings, cookies.STRANGER)
    if not expected or not hmac.compare_digest(csrf_token.encode(), expected.encode()):
        error = SignInRefusedError("this form was not ours, or too old (are cookies off?): try again")
        return await _refused(request, desk, next, error, str(error), login)
    try:
        entered = await signing_in.with_password(desk, request, login, password)
    except WrongPasswordError as error:
        return await _refused(request, desk, next, error, error.why, login)
    except (SignInRefusedError, TooManyAttemptsError, OneTimePasswordOverError) as error:
        return await _refused(request, desk, next, error, str(error), login)
    kept = Sent.of_kept(again)
    if kept is not None:
        request.state.again = kept  # the door answers with what was typed when the session ended
    return _go_on(desk, entered, next)


@router.get("/sign-in/provider")
async def to_provider(request: Request, desk: Desk, next: str = "/") -> Response:  # noqa: A002
    """Send the browser to the provider. It changes nothing here; only this browser can bring the answer back."""
    attempt = Attempt.fresh(own_path(next))
    try:
        address = await _provider(request).address(attempt, _redirect_uri(request, desk))
    except RefusedError as error:
        return await _refused(request, desk, next, error, str(error))
    response = RedirectResponse(address, 303)
    cookies.give(response, desk.settings, cookies.PROVIDER, attempt.cookie(), seconds=_ATTEMPT_SECONDS)
    return response


@router.get("/sign-in/callback")
async def from_provider(request: Request, desk: Desk) -> Response:
    """Take the provider's answer: the one GET that opens a session, and only for the browser that asked."""
    next_page = "/"
    try:
        attempt = Attempt.of_cookie(cookies.read(request, desk.settings, cookies.PROVIDER))
        next_page = attempt.next
        redirect_uri = _redirect_uri(request, desk)
        claims = await _provider(request).claims(attempt, dict(request.query_params), redirect_uri)
        address, user_agent = address_of(request), request.headers.get("user-agent", "")
        old = cookies.read(request, desk.settings, cookies.SESSION)

        def enter(session: Session) -> signing_in.Entered:
            user = person(session, claims, desk.settings)
            return signing_in.start_session(
                desk, session, user, address=address, user_agent=user_agent, old=old, how="provider"
            )

        entered = await in_transaction(desk, enter)
    except RefusedError as error:
        response = await _refused(request, desk, next_page, error, str(error))
    else:
        response = _go_on(desk, entered, next_page)
    cookies.take(response, desk.settings, cookies.PROVIDER)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, desk: Desk, who: Anybody) -> Response:
    row = request.state.session

    def end(session: Session) -> None:
        if row is not None:
            now = datetime.now(UTC)
            sessions.revoke(session, now, user_id=row.user_id, only=row.id)
            audit.append(session, chain=audit.SYSTEM, entry=SignedOut(), actor=who.name, at=now)

    await in_transaction(desk, end)
    response = RedirectResponse("/sign-in", 303)
    cookies.take(response, desk.settings, cookies.SESSION)
    return response


def _form(request: Request, desk: Surroundings, next_page: str, *, status: int = 200, **context: object) -> Response:
    token = cookies.read(request, desk.settings, cookies.STRANGER) or secrets.token_urlsafe(32)
    sent: Sent | None = getattr(request.state, "sent", None)
    again = (sent.values.get("again") or [""])[0] if sent is not None else ""
    context = {"error": "", "login": "", "again": again, "caller": None, **context}
    local, provider = desk.settings.desk_local_accounts, bool(desk.settings.oidc_issuer)
    response = render(
        request,
        "people/sign_in.html",
        status,
        csrf_token=token,
        next=own_path(next_page),
        local=local,
        provider=provider,
        **context,
    )
    cookies.give(response, desk.settings, cookies.STRANGER, token)
    return response


async def _refused(
    request: Request, desk: Surroundings, next_page: str, error: RefusedError, why: str, login: str = ""
) -> Response:
    await problems.record_refusal(request, error.code, why)
    response = _form(request, desk, next_page, status=error.status, error=str(error), login=login[:100])
    if isinstance(error, TooManyAttemptsError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _go_on(desk: Surroundings, entered: signing_in.Entered, next_page: str) -> Response:
    there = "/password" if entered.session.user.one_time_password else own_path(next_page)
    return signing_in.welcome(RedirectResponse(there, 303), desk, entered)


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise SignInRefusedError("no provider is set up here: sign in with a password")
    return provider


def _redirect_uri(request: Request, desk: Surroundings) -> str:
    base = desk.settings.desk_url or str(request.base_url)
    return f"{base.rstrip('/')}/sign-in/callback"
