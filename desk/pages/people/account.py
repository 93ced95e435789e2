"""`/account` and `/password`: one's own absences, sessions and password."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db.errors import RefusedError
from db.models import UserSession
from db.people import sessions
from db.people.tokens import Caller
from desk import problems
from desk.access import NotSignedInError, lifetime
from desk.flashes import see_other
from desk.pages.common import Desk, Viewer, refused
from desk.pages.people import absence_form
from desk.pages.people.sign_in import Anybody
from desk.rendering import render
from desk.sign_in import cookies, signing_in
from desk.sign_in.errors import TooManyAttemptsError, WrongPasswordError
from desk.surroundings import acting, in_transaction
from services.people import absences as service
from services.people import people

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=10_000)]


@router.get("/password")
async def password_form(request: Request, _: Anybody) -> Response:
    return render(request, "people/password.html", user=own_session(request).user, error="")


@router.post("/password")
async def change_password(
    request: Request, desk: Desk, _: Anybody, old: Typed = "", new: Typed = "", repeated: Typed = ""
) -> Response:
    """Change the password; every other session ends, and this one gets a new cookie."""
    user = own_session(request).user
    if new != repeated:
        return render(request, "people/password.html", 422, user=user, error="the new password was typed in two ways")
    try:
        entered = await signing_in.change_password(desk, request, old, new)
    except WrongPasswordError as error:
        await problems.record_refusal(request, error.code, error.why)
        return render(request, "people/password.html", 403, user=user, error="the old password is another one")
    except RefusedError as error:
        response = render(request, "people/password.html", await refused(request, error), user=user, error=str(error))
        if isinstance(error, TooManyAttemptsError):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    return signing_in.welcome(see_other("/", "password_changed"), desk, entered)


@router.get("/account")
async def account(request: Request, desk: Desk, _: Viewer) -> Response:
    own, ends, now = own_session(request), lifetime(desk.settings), datetime.now(UTC)

    def read(session: Session) -> tuple[list[UserSession], absence_form.Shown]:
        live = list(sessions.live(session, ends, now, user_id=own.user_id))
        return live, absence_form.read(session, now, about=own.user.login)

    live, absences = await in_transaction(desk, read)
    return render(request, "people/account.html", user=own.user, own=own.id, sessions=live, absences=absences)


@router.post("/account/absences")
async def add_absence(desk: Desk, who: Viewer, typed: Annotated[absence_form.Typed, Form()]) -> Response:
    await absence_form.add(desk, who, typed, login=who.name)
    return see_other("/account#absences", "absence_added")


@router.post("/account/absences/{absence_id}/end")
async def end_absence(desk: Desk, who: Viewer, absence_id: UUID) -> Response:
    await acting(desk, who, service.end, who, absence_id)
    return see_other("/account#absences", "absence_ended")


@router.post("/account/sessions/{session_id}/end")
async def end_session(request: Request, desk: Desk, session_id: UUID, who: Viewer) -> Response:
    return await _end(request, desk, who, only=session_id)


@router.post("/account/sign-out-everywhere")
async def sign_out_everywhere(request: Request, desk: Desk, who: Viewer) -> Response:
    return await _end(request, desk, who)


async def _end(request: Request, desk: Desk, who: Caller, *, only: UUID | None = None) -> Response:
    own = own_session(request)
    await acting(desk, who, people.sign_out, own.user.login, only=only)
    if only not in {None, own.id}:
        return see_other("/account", "sessions_ended")
    response = see_other("/sign-in")
    cookies.take(response, desk.settings, cookies.SESSION)
    return response


def own_session(request: Request) -> UserSession:
    """Return the session of who asks; a token has none."""
    row: UserSession | None = request.state.session
    if row is None:
        raise NotSignedInError("this page is about a signed-in person, not a token: sign in at /sign-in")
    return row
