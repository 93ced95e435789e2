"""People and API tokens over HTTP, for admins."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from credit.permissions import Permission, Role
from db.people.tokens import Caller
from desk.access import needs
from desk.surroundings import Surroundings, surroundings
from services.answers import Document
from services.people.people import People

router = APIRouter(prefix="/api", tags=["people"])

Desk = Annotated[Surroundings, Depends(surroundings)]
PeopleAdmin = Annotated[Caller, Depends(needs(Permission.MANAGE_PEOPLE))]
RoleName = Literal["viewer", "requester", "approver", "admin"]
TokenRoleName = Literal["sender", "viewer", "requester", "approver", "admin"]
"""A sender may post events (`/api/events/…`) and nothing else."""


class NewUser(BaseModel):
    """A local account to make."""

    login: str = Field(max_length=200)
    role: RoleName
    name: str = Field("", max_length=200)
    email: str | None = Field(None, max_length=200)


class UserChange(BaseModel):
    """What to change of a user; what is left out stays."""

    role: RoleName | None = None
    disabled: bool | None = None


class NewToken(BaseModel):
    """An API token to make."""

    name: str = Field(max_length=200)
    role: TokenRoleName


@router.get("/users")
async def list_users(desk: Desk, _: PeopleAdmin) -> Document:
    """List everybody, by login."""
    return {"users": await asyncio.to_thread(People(desk.engine).listed)}


@router.post("/users", status_code=201)
async def create_user(desk: Desk, who: PeopleAdmin, new: NewUser) -> Document:
    """Make a local account; `one_time_password` is shown this once."""
    people, role = People(desk.engine), Role[new.role.upper()]
    password = await asyncio.to_thread(people.create, new.login, role, actor=who.name, name=new.name, email=new.email)
    return {"login": new.login.strip().lower(), "role": new.role, "one_time_password": password}


@router.patch("/users/{login}")
async def change_user(desk: Desk, who: PeopleAdmin, login: str, change: UserChange) -> Document:
    """Change a user's role, shut him out or let him in; it counts from his next request on."""
    role = Role[change.role.upper()] if change.role else None
    return await asyncio.to_thread(
        People(desk.engine).change, login, role=role, disabled=change.disabled, actor=who.name
    )


@router.post("/users/{login}/reset-password")
async def reset_password(desk: Desk, who: PeopleAdmin, login: str) -> Document:
    """Replace a password by a one-time one, shown this once; the user's sessions end."""
    password = await asyncio.to_thread(People(desk.engine).reset_password, login, actor=who.name)
    return {"login": login, "one_time_password": password}


@router.post("/users/{login}/sign-out")
async def sign_out(desk: Desk, who: PeopleAdmin, login: str) -> Document:
    """End all sessions of a user."""
    ended = await asyncio.to_thread(People(desk.engine).sign_out, login, actor=who.name)
    return {"login": login, "sessions_ended": ended}


@router.get("/tokens")
async def list_tokens(desk: Desk, _: PeopleAdmin) -> Document:
    """List the API tokens; never the tokens themselves."""
    return {"tokens": await asyncio.to_thread(People(desk.engine).tokens)}


@router.post("/tokens", status_code=201)
async def create_token(desk: Desk, who: PeopleAdmin, new: NewToken) -> Document:
    """Make an API token; `token` is shown this once. One of the same name stops working."""
    role = Role[new.role.upper()]
    token = await asyncio.to_thread(People(desk.engine).create_token, new.name, role, actor=who.name)
    return {"name": new.name, "role": new.role, "token": token}


@router.delete("/tokens/{name}")
async def revoke_token(desk: Desk, who: PeopleAdmin, name: str) -> Document:
    """Make a token useless, at once."""
    return await asyncio.to_thread(People(desk.engine).revoke_token, name, actor=who.name)
