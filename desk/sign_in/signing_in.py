"""How somebody who proved who he is gets a session, and how a password proves it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from fastapi import Request, Response
from sqlalchemy.orm import Session

from credit.audit_entries.people import SignedIn
from db import audit
from db.act import Act
from db.models import User, UserSession
from db.people import sessions, sign_ins, users
from desk.access import lifetime
from desk.sign_in import cookies
from desk.sign_in.errors import OneTimePasswordOverError, SignInRefusedError, TooManyAttemptsError, WrongPasswordError
from desk.sign_in.strangers import address_of
from desk.surroundings import Surroundings, in_transaction
from services.people import first_admin, passwords

_Result = TypeVar("_Result")

_HASHING = ThreadPoolExecutor(2, thread_name_prefix="argon2")
"""Argon2 takes 64 MiB and a core: a flood of sign-ins queues here, and nothing else does."""

passwords.nobodys()  # now, so that the first unknown login is not answered any later than a known one


@dataclass(frozen=True)
class Entered:
    """A new session, and the cookies that its browser gets."""

    session: UserSession
    cookie: str
    device: str = ""
    """By which the browser is known from now on; empty where nothing is to be known of it."""


async def with_password(desk: Surroundings, request: Request, login: str, password: str) -> Entered:
    """Sign somebody in.

    Raises:
        SignInRefusedError: passwords are not kept here.
        TooManyAttemptsError: the login or the address has to wait.
        WrongPasswordError: login and password do not fit, or the user is disabled.
        OneTimePasswordOverError: they fit, and opened a session before, or are too old.
    """
    if not desk.settings.desk_local_accounts:
        raise SignInRefusedError("passwords are not used here: sign in with the provider")
    user = await _proved(desk, request, login, password)
    address = address_of(request)
    device = cookies.read(request, desk.settings, cookies.DEVICE)
    user_agent, old = request.headers.get("user-agent", ""), cookies.read(request, desk.settings, cookies.SESSION)
    fresh = await _hash(password) if passwords.outdated(user.password_hash or "") else None

    def enter(session: Session) -> Entered:
        found, now = users.get(session, user.login), datetime.now(UTC)
        if found.disabled_at is not None or found.password_hash != user.password_hash:
            raise WrongPasswordError(f"{user.login} was changed meanwhile")
        if users.one_time_is_over(found, now):
            raise OneTimePasswordOverError(found.login)
        users.use_one_time(found, now)
        found.password_hash = fresh or found.password_hash
        sign_ins.succeeded(session, login=found.login, address=address, device=device)
        entered = start_session(desk, session, found, address=address, user_agent=user_agent, old=old, how="password")
        return replace(entered, device=sign_ins.know_device(session, found, device, now))

    entered = await in_transaction(desk, enter)
    if entered.session.user.one_time_password:
        await asyncio.to_thread(first_admin.forget_first_password, desk.settings.data_dir, password)
    return entered


async def change_password(desk: Surroundings, request: Request, old: str, new: str) -> Entered:
    """Change the password of who is signed in; all his sessions end, and he gets a new one.

    A session of who has a one-time password was opened with it, and is all the proof that is asked for.

    Raises:
        TooManyAttemptsError: too many wrong ones.
        WrongPasswordError: `old` is not the password.
        WeakPasswordError: `new` is obviously bad, or the old one.
    """
    user: User = request.state.session.user
    login = user.login
    await _in_turn(lambda: passwords.check_strength(new, login=login, about=f"{user.name} {user.email or ''}"))
    if not user.one_time_password:
        user = await _proved(desk, request, login, old)
    if await _in_turn(lambda: passwords.matches(new, user.password_hash)):
        raise passwords.WeakPasswordError("the new password is the old one: take another one")
    password_hash = await _hash(new)
    address, user_agent = address_of(request), request.headers.get("user-agent", "")
    device = cookies.read(request, desk.settings, cookies.DEVICE)

    def change(session: Session) -> Entered:
        found, now = users.get(session, login), datetime.now(UTC)
        if found.disabled_at is not None or found.password_hash != user.password_hash:
            raise WrongPasswordError(f"{login} was changed meanwhile")
        users.set_password(Act(session, login, now), found, password_hash, one_time=False)
        sign_ins.succeeded(session, login=login, address=address, device=device)
        entered = start_session(desk, session, found, address=address, user_agent=user_agent, how="password change")
        return replace(entered, device=sign_ins.know_device(session, found, device, now))

    return await in_transaction(desk, change)


def start_session(
    desk: Surroundings, session: Session, user: User, *, address: str, user_agent: str, how: str, old: str = ""
) -> Entered:
    """Open a session for a user who proved who he is, and end the one whose cookie his browser brought along."""
    now = datetime.now(UTC)
    before = sessions.by_cookie(session, old) if old else None
    if before is not None:
        sessions.revoke(session, now, user_id=before.user_id, only=before.id)
    audit.append(session, chain=audit.SYSTEM, entry=SignedIn(address=address, how=how), actor=user.login, at=now)
    return Entered(
        *sessions.start(session, user, lifetime(desk.settings), address=address, user_agent=user_agent, now=now)
    )


def welcome(response: Response, desk: Surroundings, entered: Entered) -> Response:
    cookies.give(response, desk.settings, cookies.SESSION, entered.cookie)
    if entered.device:
        seconds = int(sign_ins.DEVICE_KEPT.total_seconds())
        cookies.give(response, desk.settings, cookies.DEVICE, entered.device, seconds=seconds)
    cookies.take(response, desk.settings, cookies.STRANGER)
    return response


async def _proved(desk: Surroundings, request: Request, login: str, password: str) -> User:
    """Return whose login and password these are; it takes as long, and says the same, where there is no such login."""
    login, address, now = login.strip().lower(), address_of(request), datetime.now(UTC)
    device = cookies.read(request, desk.settings, cookies.DEVICE)

    def look(session: Session) -> User | datetime | None:
        until = sign_ins.try_again_at(session, login=login, address=address, device=device, now=now)
        return until or users.by_login(session, login)

    found = await in_transaction(desk, look)
    if isinstance(found, datetime):
        raise TooManyAttemptsError(found, now)
    fits = await _in_turn(lambda: passwords.matches(password, found.password_hash if found else None))
    if found is None:
        raise WrongPasswordError("no such login")
    if not fits:
        raise WrongPasswordError(f"not the password of {login}")
    if found.disabled_at is not None:
        raise WrongPasswordError(f"{login} is disabled")
    return found


async def _hash(password: str) -> str:
    return await _in_turn(lambda: passwords.hashed(password))


async def _in_turn(work: Callable[[], _Result]) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(_HASHING, work)
