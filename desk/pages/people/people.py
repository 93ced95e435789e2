"""`/people` and `/tokens`: who may come in, as what, and with which programs; and who is away."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from credit.permissions import OF_PEOPLE, Permission, Role
from db.errors import BadInputError
from db.models import User, UserSession
from db.people import sessions, users
from db.people.tokens import Caller
from desk.access import lifetime, signed_in_page
from desk.flashes import see_other
from desk.pages.common import Desk
from desk.pages.people import absence_form
from desk.rendering import render
from desk.surroundings import acting, in_transaction
from services.people import absences as absence_service
from services.people import people as service

router = APIRouter(include_in_schema=False)

PeopleAdmin = Annotated[Caller, Depends(signed_in_page(Permission.MANAGE_PEOPLE))]
RoleName = Annotated[Literal["viewer", "requester", "approver", "admin"], Form()]
Text = Annotated[str, Form(max_length=200)]

_ROLES = [role.label for role in OF_PEOPLE]
_NOBODY = "-"
"""Whose token a service's is, in the form: no login begins so."""


@router.get("/people")
async def people(request: Request, desk: Desk, _: PeopleAdmin) -> Response:
    found = await in_transaction(desk, service.listed)
    absences = await in_transaction(desk, absence_form.read, datetime.now(UTC))
    return render(request, "people/people.html", people=found.users, roles=_ROLES, absences=absences)


@router.post("/people")
async def create(
    request: Request, desk: Desk, who: PeopleAdmin, role: RoleName, login: Text = "", name: Text = "", email: Text = ""
) -> Response:
    """Make a local account, and show its one-time password, once."""
    password = await acting(desk, who, service.create, login, Role[role.upper()], name=name, email=email)
    return render(
        request, "people/secret_once.html", what="One-time password", of=login.strip().lower(), secret=password
    )


@router.post("/people/absences")
async def add_absence(desk: Desk, who: PeopleAdmin, typed: Annotated[absence_form.Typed, Form()]) -> Response:
    if not typed.login:
        raise BadInputError("choose who is away")
    await absence_form.add(desk, who, typed, login=typed.login)
    return see_other("/people#absences", "absence_added")


@router.post("/people/absences/{absence_id}/end")
async def end_absence(desk: Desk, who: PeopleAdmin, absence_id: UUID) -> Response:
    await acting(desk, who, absence_service.end, who, absence_id)
    return see_other("/people#absences", "absence_ended")


@router.get("/people/{login}")
async def show(request: Request, desk: Desk, login: str, _: PeopleAdmin) -> Response:
    def read(session: Session) -> tuple[User, list[UserSession]]:
        user = users.get(session, login)
        return user, list(sessions.live(session, lifetime(desk.settings), datetime.now(UTC), user_id=user.id))

    user, live = await in_transaction(desk, read)
    return render(request, "people/person.html", user=user, sessions=live, roles=_ROLES)


@router.post("/people/{login}/contact")
async def set_contact(desk: Desk, login: str, who: PeopleAdmin, name: Text = "", email: Text = "") -> Response:
    await acting(desk, who, service.change, login, name=name, email=email)
    return see_other(f"/people/{login}", "contact_changed")


@router.post("/people/{login}/role")
async def set_role(desk: Desk, login: str, who: PeopleAdmin, role: RoleName) -> Response:
    """Give a user another role; it counts from his next request on."""
    await acting(desk, who, service.change, login, role=Role[role.upper()])
    return see_other(f"/people/{login}", "role_changed")


@router.post("/people/{login}/disable")
async def disable(desk: Desk, login: str, who: PeopleAdmin) -> Response:
    await acting(desk, who, service.change, login, disabled=True)
    return see_other(f"/people/{login}", "user_disabled")


@router.post("/people/{login}/enable")
async def enable(desk: Desk, login: str, who: PeopleAdmin) -> Response:
    await acting(desk, who, service.change, login, disabled=False)
    return see_other(f"/people/{login}", "user_enabled")


@router.post("/people/{login}/reset-password")
async def reset_password(request: Request, desk: Desk, login: str, who: PeopleAdmin) -> Response:
    """Replace a password by a one-time one, and show it, once."""
    password = await acting(desk, who, service.reset_password, login)
    return render(request, "people/secret_once.html", what="One-time password", of=login, secret=password)


@router.post("/people/{login}/sign-out")
async def sign_out(desk: Desk, login: str, who: PeopleAdmin) -> Response:
    await acting(desk, who, service.sign_out, login)
    return see_other(f"/people/{login}", "sessions_ended")


@router.post("/people/{login}/sessions/{session_id}/end")
async def end_session(desk: Desk, login: str, session_id: UUID, who: PeopleAdmin) -> Response:
    await acting(desk, who, service.sign_out, login, only=session_id)
    return see_other(f"/people/{login}", "sessions_ended")


@dataclass
class NewToken:
    """The form of a token: `owner` is a login, empty for the person of its name, or `-` for a service's."""

    role: Annotated[Literal["sender", "viewer", "requester", "approver", "admin"], Form()]
    name: Text = ""
    owner: Text = ""
    days: Text = ""
    only: Annotated[list[str] | None, Form()] = None
    replace: Text = ""

    def asked(self) -> dict[str, Any]:
        """Return what is asked of `service.create_token`.

        Raises:
            BadInputError: the days are no number.
        """
        if self.days.strip() and not self.days.strip().isdecimal():
            raise BadInputError("the token works for a number of days: type digits only, or nothing")
        nobody = self.owner == _NOBODY
        days = int(self.days) if self.days.strip() else None
        how = {"owner": None if nobody else self.owner or None, "service": nobody, "replace": bool(self.replace)}
        return {**how, "name": self.name, "role": Role[self.role.upper()], "days": days, "scope": self.only}


@router.get("/tokens")
async def tokens(request: Request, desk: Desk, _: PeopleAdmin) -> Response:
    found = await in_transaction(desk, service.listed_tokens)
    people = [one.login for one in (await in_transaction(desk, service.listed)).users if one.disabled_at is None]
    context: dict[str, Any] = {"roles": [role.label for role in Role], "people": people, "nobody": _NOBODY}
    return render(request, "people/tokens.html", tokens=found.tokens, permissions=list(Permission), **context)


@router.post("/tokens")
async def create_token(
    request: Request, desk: Desk, who: PeopleAdmin, form: Annotated[NewToken, Depends()]
) -> Response:
    """Make an API token, and show it, once."""
    made = await acting(desk, who, service.create_token, **form.asked())
    return render(request, "people/secret_once.html", what="API token", of=made.name, secret=made.token, token=made)


@router.post("/tokens/revoke")
async def revoke_token(desk: Desk, who: PeopleAdmin, name: Text = "") -> Response:
    await acting(desk, who, service.revoke_token, name)
    return see_other("/tokens", "token_revoked")
