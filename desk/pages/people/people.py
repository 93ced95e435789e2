"""`/people` and `/tokens`: who may come in, as what, and with which programs; and who is away."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from credit.audit_entries.people import SessionsEnded
from credit.permissions import OF_PEOPLE, Permission, Role
from db import audit
from db.errors import BadInputError, RefusedError
from db.models import User, UserSession
from db.people import sessions, users
from db.people.tokens import Caller
from desk.access import lifetime, signed_in_page
from desk.flashes import see_other
from desk.pages.common import Desk, refused
from desk.pages.people import absence_form
from desk.rendering import render
from desk.surroundings import Surroundings, acting, in_transaction
from services.people import people as service

router = APIRouter(include_in_schema=False)

PeopleAdmin = Annotated[Caller, Depends(signed_in_page(Permission.MANAGE_PEOPLE))]
RoleName = Annotated[Literal["viewer", "requester", "approver", "admin"], Form()]
TokenRoleName = Annotated[Literal["sender", "viewer", "requester", "approver", "admin"], Form()]
Text = Annotated[str, Form(max_length=200)]


@router.get("/people")
async def people(request: Request, desk: Desk, _: PeopleAdmin) -> Response:
    """List everybody."""
    return await _people(request, desk)


@router.post("/people")
async def create(
    request: Request, desk: Desk, who: PeopleAdmin, role: RoleName, login: Text = "", name: Text = "", email: Text = ""
) -> Response:
    """Make a local account, and show its one-time password, once."""
    password = await acting(desk, who, service.create, login, Role[role.upper()], name=name, email=email)
    return render(request, "secret_once.html", what="One-time password", of=login.strip().lower(), secret=password)


@router.post("/people/absences")
async def add_absence(
    desk: Desk, who: PeopleAdmin, typed: Annotated[absence_form.Typed, Depends(absence_form.typed)]
) -> Response:
    """Let somebody stand in for somebody."""
    if not typed.login:
        raise BadInputError("choose who is away")
    await absence_form.add(desk, who, typed, login=typed.login)
    return see_other("/people#absences", "absence_added")


@router.post("/people/absences/{absence_id}/end")
async def end_absence(request: Request, desk: Desk, who: PeopleAdmin, absence_id: UUID) -> Response:
    """End an absence now, or call it off."""
    try:
        await absence_form.end(desk, who, absence_id)
    except RefusedError as error:
        return await _people(request, desk, status=await refused(request, error), error=str(error))
    return see_other("/people#absences", "absence_ended")


@router.get("/people/{login}")
async def show(request: Request, desk: Desk, login: str, _: PeopleAdmin) -> Response:
    """Show one user and his sessions."""
    return await _person(request, desk, login)


@router.post("/people/{login}/role")
async def set_role(request: Request, desk: Desk, login: str, who: PeopleAdmin, role: RoleName) -> Response:
    """Give a user another role; it counts from his next request on."""
    try:
        await acting(desk, who, service.change, login, role=Role[role.upper()])
    except RefusedError as error:
        return await _person(request, desk, login, status=await refused(request, error), error=str(error))
    return see_other(f"/people/{login}", "role_changed")


@router.post("/people/{login}/disable")
async def disable(request: Request, desk: Desk, login: str, who: PeopleAdmin) -> Response:
    """Shut a user out, at once."""
    try:
        await acting(desk, who, service.change, login, disabled=True)
    except RefusedError as error:
        return await _person(request, desk, login, status=await refused(request, error), error=str(error))
    return see_other(f"/people/{login}", "user_disabled")


@router.post("/people/{login}/enable")
async def enable(desk: Desk, login: str, who: PeopleAdmin) -> Response:
    """Let a user sign in again."""
    await acting(desk, who, service.change, login, disabled=False)
    return see_other(f"/people/{login}", "user_enabled")


@router.post("/people/{login}/reset-password")
async def reset_password(request: Request, desk: Desk, login: str, who: PeopleAdmin) -> Response:
    """Replace a password by a one-time one, and show it, once."""
    password = await acting(desk, who, service.reset_password, login)
    return render(request, "secret_once.html", what="One-time password", of=login, secret=password)


@router.post("/people/{login}/sign-out")
async def sign_out(desk: Desk, login: str, who: PeopleAdmin) -> Response:
    """End all sessions of a user."""
    await acting(desk, who, service.sign_out, login)
    return see_other(f"/people/{login}", "sessions_ended")


@router.post("/people/{login}/sessions/{session_id}/end")
async def end_session(desk: Desk, login: str, session_id: UUID, who: PeopleAdmin) -> Response:
    """End one session of a user."""

    def end(session: Session) -> None:
        now = datetime.now(UTC)
        ended = sessions.revoke(session, now, user_id=users.get(session, login).id, only=session_id)
        entry = SessionsEnded(login=login, sessions=ended)
        audit.append(session, chain=audit.SYSTEM, entry=entry, actor=who.name, at=now)

    await in_transaction(desk, end)
    return see_other(f"/people/{login}", "sessions_ended")


@router.get("/tokens")
async def tokens(request: Request, desk: Desk, _: PeopleAdmin) -> Response:
    """List the API tokens."""
    return await _tokens(request, desk)


@router.post("/tokens")
async def create_token(
    request: Request, desk: Desk, who: PeopleAdmin, role: TokenRoleName, name: Text = ""
) -> Response:
    """Make an API token, and show it, once."""
    try:
        token = await acting(desk, who, service.create_token, name, Role[role.upper()])
    except RefusedError as error:
        return await _tokens(request, desk, status=await refused(request, error), error=str(error))
    return render(request, "secret_once.html", what="API token", of=name, secret=token)


@router.post("/tokens/revoke")
async def revoke_token(desk: Desk, who: PeopleAdmin, name: Text = "") -> Response:
    """Make a token useless, at once."""
    await acting(desk, who, service.revoke_token, name)
    return see_other("/tokens", "token_revoked")


async def _people(request: Request, desk: Surroundings, *, status: int = 200, error: str = "") -> Response:
    found = await in_transaction(desk, service.listed)
    absences = await in_transaction(desk, absence_form.read, datetime.now(UTC))
    context = {
        "people": found.users,
        "roles": [role.label for role in OF_PEOPLE],
        "error": error,
        "absences": absences,
    }
    return render(request, "people.html", status, **context)


async def _person(request: Request, desk: Surroundings, login: str, *, status: int = 200, error: str = "") -> Response:
    def read(session: Session) -> tuple[User, list[UserSession]]:
        user = users.get(session, login)
        return user, list(sessions.live(session, lifetime(desk.settings), datetime.now(UTC), user_id=user.id))

    user, live = await in_transaction(desk, read)
    roles = [role.label for role in OF_PEOPLE]
    return render(request, "person.html", status, user=user, sessions=live, roles=roles, error=error)


async def _tokens(request: Request, desk: Surroundings, *, status: int = 200, error: str = "") -> Response:
    found = await in_transaction(desk, service.listed_tokens)
    return render(request, "tokens.html", status, tokens=found.tokens, roles=[role.label for role in Role], error=error)
