"""People and API tokens over HTTP, for admins."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from credit.permissions import Role
from db.errors import LastAdminError, LoginTakenError, UnknownTokenNameError, UnknownUserError
from desk.api.common import Desk, PeopleAdmin, api_router
from desk.problems import refuses
from desk.surroundings import acting, in_transaction
from services.people import answers, people
from services.people.answers import TokenRole, UserRole

router = api_router("people", heeds_key=False)  # what is shown once is kept nowhere


class NewUser(BaseModel):
    """A local account to make."""

    login: str = Field(max_length=200)
    role: UserRole
    name: str = Field("", max_length=200)
    email: str | None = Field(None, max_length=200)


class UserChange(BaseModel):
    """What to change of a user; what is left out stays."""

    role: UserRole | None = None
    disabled: bool | None = None
    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=200, description="Where notifications go; empty for nowhere.")


class NewToken(BaseModel):
    """An API token to make."""

    name: str = Field(max_length=200)
    role: TokenRole
    owner: str | None = Field(None, max_length=200)
    """The login of the person it acts for; by default the one whose login is the name, made where there is nobody."""
    service: bool = False
    """Whether nobody owns it: it acts in its own name, and decides nothing. A sender's always is such a one."""
    expires_in_days: int | None = None
    """1 to 366; by default 90 for a person's, 366 for a service's."""
    scope: list[str] | None = Field(None, max_length=50)
    """All that it may, in the words of `/api/me`; by default all that its role may."""


@router.get("/users")
async def list_users(desk: Desk, _: PeopleAdmin) -> answers.Users:
    """List everybody, by login."""
    return await in_transaction(desk, people.listed)


@router.post("/users", status_code=HTTPStatus.CREATED)
@refuses(LoginTakenError)
async def create_user(desk: Desk, who: PeopleAdmin, new: NewUser) -> answers.NewAccount:
    """Make a local account; `one_time_password` is shown this once."""
    role = Role[new.role.upper()]
    password = await acting(desk, who, people.create, new.login, role, name=new.name, email=new.email)
    return answers.NewAccount(login=new.login.strip().lower(), role=new.role, one_time_password=password)


@router.patch("/users/{login}")
@refuses(UnknownUserError, LastAdminError)
async def change_user(desk: Desk, who: PeopleAdmin, login: str, change: UserChange) -> answers.User:
    """Change a user's role, name or e-mail, shut him out or let him in; it counts from his next request on."""
    role = Role[change.role.upper()] if change.role else None
    changes = change.model_dump(exclude={"role"})
    return await acting(desk, who, people.change, login, role=role, **changes)


@router.post("/users/{login}/reset-password")
@refuses(UnknownUserError)
async def reset_password(desk: Desk, who: PeopleAdmin, login: str) -> answers.NewPassword:
    """Replace a password by a one-time one, shown this once; the user's sessions end."""
    password = await acting(desk, who, people.reset_password, login)
    return answers.NewPassword(login=login, one_time_password=password)


@router.post("/users/{login}/sign-out")
@refuses(UnknownUserError)
async def sign_out(desk: Desk, who: PeopleAdmin, login: str) -> answers.SignedOut:
    """End all sessions of a user."""
    ended = await acting(desk, who, people.sign_out, login)
    return answers.SignedOut(login=login, sessions_ended=ended)


@router.get("/tokens")
async def list_tokens(desk: Desk, _: PeopleAdmin) -> answers.Tokens:
    """List the API tokens; never the tokens themselves."""
    return await in_transaction(desk, people.listed_tokens)


@router.post("/tokens", status_code=HTTPStatus.CREATED)
@refuses(UnknownUserError)
async def create_token(desk: Desk, who: PeopleAdmin, new: NewToken) -> answers.MadeToken:
    """Make an API token; `token` is shown this once. One of the same name stops working."""
    return await acting(
        desk,
        who,
        people.create_token,
        new.name,
        Role[new.role.upper()],
        owner=new.owner,
        service=new.service,
        days=new.expires_in_days,
        scope=new.scope,
    )


@router.delete("/tokens/{name}")
@refuses(UnknownTokenNameError)
async def revoke_token(desk: Desk, who: PeopleAdmin, name: Annotated[str, Path(examples=["erp"])]) -> answers.Token:
    """Make a token useless, at once."""
    return await acting(desk, who, people.revoke_token, name)
