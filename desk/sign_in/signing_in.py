"""How somebody who proved who he is gets a session, and how a password proves it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from desk.sign_in.errors import SignInRefusedError, TooManyAttemptsError, WrongPasswordError
from desk.sign_in.strangers import address_of
from desk.surroundings import Surroundings, in_transaction
from services.people import first_admin, passwords

_Result = TypeVar("_Result")

_HASHING = ThreadPoolExecutor(2, thread_name_prefix="argon2")
"""Argon2 takes 64 MiB and a core: a flood of sign-ins queues here, and nothing else does."""

passwords.nobodys()  # now, so that the first unknown login is not answered any later than a known one


async def with_password(desk: Surroundings, request: Request, login: str, password: str) -> tuple[UserSession, str]:
    """Sign somebody in; returns the new session and its cookie.

    Raises:
        SignInRefusedError: passwords are not kept here.
        TooManyAttemptsError: the login or the address has to wait.
        WrongPasswordError: login and password do not fit, or the user is disabled.
    """
    if not desk.settings.desk_local_accounts:
        raise SignInRefusedError("passwords are not used here: sign in with the provider")
    user = await _proved(desk, request, login, password)
    address = address_of(request)
    user_agent, old = request.headers.get("user-agent", ""), cookies.read(request, desk.settings, cookies.SESSION)
    fresh = await _hash(password) if passwords.outdated(user.password_hash or "") else None

    def enter(session: Session) -> tuple[UserSession, str]:
        found = users.get(session, user.login)
        if found.disabled_at is not None or found.password_hash != user.password_hash:
            raise WrongPasswordError(f"{user.login} was changed meanwhile")
        found.password_hash = fresh or found.password_hash
        sign_ins.succeeded(session, login=found.login)
        return start_session(desk, session, found, address=address, user_agent=user_agent, old=old, how="password")

    return await in_transaction(desk, enter)


async def change_password(desk: Surroundings, request: Request, old: str, new: str) -> tuple[UserSession, str]:
    """Change the password of who is signed in; all his sessions end, and he gets a new one.

    Raises:
        TooManyAttemptsError: too many wrong ones.
        WrongPasswordError: `old` is not the password.
        WeakPasswordError: `new` is obviously bad, or the old one.
    """
    login: str = request.state.session.user.login
    passwords.check_strength(new, login=login)
    if new == old:
        raise passwords.WeakPasswordError("the new password is the old one: take another one")
    user = await _proved(desk, request, login, old)
    password_hash = await _hash(new)
    address, user_agent = address_of(request), request.headers.get("user-agent", "")

    def change(session: Session) -> tuple[UserSession, str]:
        found = users.get(session, login)
        if found.disabled_at is not None or found.password_hash != user.password_hash:
            raise WrongPasswordError(f"{login} was changed meanwhile")
        users.set_password(Act(session, login, datetime.now(UTC)), found, password_hash, one_time=False)
        sign_ins.succeeded(session, login=login)
        return start_session(desk, session, found, address=address, user_agent=user_agent, how="password change")

    changed = await in_transaction(desk, change)
    await asyncio.to_thread(first_admin.forget_first_password, desk.settings.data_dir, old)
    return changed


def start_session(
    desk: Surroundings, session: Session, user: User, *, address: str, user_agent: str, how: str, old: str = ""
) -> tuple[UserSession, str]:
    """Open a session for a user who proved who he is, and end the one whose cookie his browser brought along."""
    now = datetime.now(UTC)
    before = sessions.by_cookie(session, old) if old else None
    if before is not None:
        sessions.revoke(session, now, user_id=before.user_id, only=before.id)
    audit.append(session, chain=audit.SYSTEM, entry=SignedIn(address=address, how=how), actor=user.login, at=now)
    return sessions.start(session, user, lifetime(desk.settings), address=address, user_agent=user_agent, now=now)


def welcome(response: Response, desk: Surroundings, cookie: str) -> Response:
    cookies.give(response, desk.settings, cookies.SESSION, cookie)
    cookies.take(response, desk.settings, cookies.STRANGER)
    return response


async def _proved(desk: Surroundings, request: Request, login: str, password: str) -> User:
    """Return whose login and password these are; it takes as long, and says the same, where there is no such login."""
    login, address, now = login.strip().lower(), address_of(request), datetime.now(UTC)

    def look(session: Session) -> User | datetime | None:
        until = sign_ins.try_again_at(session, login=login, address=address, now=now)
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
