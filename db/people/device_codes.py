"""Device codes: how a program gets a token of a person who signs in elsewhere (RFC 8628, Device Authorization Grant).

The program shows a user code; a signed-in person confirms it at `/device`; the program, which asks again and again with
its device code, gets the token once. Only the SHA-256 of both codes is kept.
"""

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from credit.audit_entries.people import DeviceConfirmed, DeviceDenied
from credit.permissions import Role
from db import audit
from db.act import Act
from db.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    DeviceCodeError,
    ExpiredTokenError,
    SlowDownError,
    TooManyDeviceCodesError,
    UnknownUserCodeError,
)
from db.models import DeviceCode
from db.people import tokens, users
from db.people.digests import digest

LIFETIME = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
"""The least time between two questions of a program."""
ADDRESS_LIMIT = 10
"""Codes of one address that may be open at a time."""
TOKEN_LIFETIME = timedelta(hours=12)
"""How long a token lasts where the program asks for nothing else."""
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628, section 6.1: no vowels, so that no code is a word. Eight of them are 34 bits, for ten minutes."""
_GROUP = 4


@dataclass(frozen=True)
class Redeemed:
    """What the program gets, once."""

    token: str
    lasts: timedelta


@dataclass(frozen=True)
class Codes:
    """What a program is told once."""

    device_code: str
    user_code: str


def begin(session: Session, *, client_name: str, address: str, token_lifetime: timedelta, now: datetime) -> Codes:
    """Let a program wait for a person.

    Raises:
        TooManyDeviceCodesError: as many of this address wait as may.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("device codes", 0))))
    session.execute(delete(DeviceCode).where(DeviceCode.expires_at <= now))
    waiting = select(DeviceCode.expires_at).where(DeviceCode.address == address).order_by(DeviceCode.expires_at.desc())
    full_until = session.scalars(waiting.offset(ADDRESS_LIMIT - 1).limit(1)).one_or_none()
    if full_until is not None:
        raise TooManyDeviceCodesError(math.ceil((full_until - now).total_seconds()))
    codes = Codes(secrets.token_urlsafe(32), spelled("".join(secrets.choice(_LETTERS) for _ in range(2 * _GROUP))))
    session.add(
        DeviceCode(
            device_sha256=digest(codes.device_code),
            user_sha256=digest(codes.user_code),
            client_name=client_name,
            address=address,
            token_lifetime=token_lifetime,
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    return codes


def spelled(user_code: str) -> str:
    """Return a code as it is shown, `WDJB-MJHT`: where it is typed, case and what is no letter of it do not matter."""
    letters = "".join(letter for letter in user_code.upper() if letter in _LETTERS)
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"


def waiting(session: Session, user_code: str, now: datetime) -> DeviceCode:
    """Return, locked, what waits for this code's answer, however it is spelled.

    Raises:
        UnknownUserCodeError: nothing does (any more).
    """
    query = select(DeviceCode).where(DeviceCode.user_sha256 == digest(spelled(user_code))).with_for_update()
    row = session.scalars(query).one_or_none()
    if row is None or row.confirmed is not None or row.expires_at <= now:
        raise UnknownUserCodeError
    return row


def answer(act: Act, user_code: str, *, confirmed: bool) -> None:
    """Confirm, or deny, that the program which shows this code may act for the actor, a person.

    Raises:
        UnknownUserCodeError: no program waits for it (any more).
    """
    row = waiting(act.session, user_code, act.now)
    row.confirmed, row.user_id = confirmed, users.get(act.session, act.actor).id
    entry = DeviceConfirmed if confirmed else DeviceDenied
    act.note(audit.SYSTEM, entry(client_name=row.client_name, address=row.address))


def redeem(session: Session, device_code: str, now: datetime) -> Redeemed | DeviceCodeError:
    """Return the token of who confirmed, once, or why there is none: to be raised once it is noted that it was asked.

    The person is looked at now: who was disabled, or given a one-time password, since he confirmed gets no token.
    """
    query = select(DeviceCode).where(DeviceCode.device_sha256 == digest(device_code)).with_for_update()
    row = session.scalars(query).one_or_none()
    if row is None or row.expires_at <= now:
        return ExpiredTokenError()
    asked_at, row.polled_at = row.polled_at, now
    if asked_at is not None and now - asked_at < INTERVAL:
        return SlowDownError()
    if row.confirmed is None or row.user is None:
        return AuthorizationPendingError()
    session.delete(row)
    if not row.confirmed or row.user.disabled_at is not None or row.user.one_time_password:
        return AccessDeniedError()
    act = Act(session, row.user.login, now)
    name = f"{row.user.login}: {row.client_name}"[: tokens.MAX_NAME]  # so it replaces nobody else's
    role, login = Role[row.user.role.upper()], row.user.login
    made = tokens.create(act, name=name, role=role, owner=login, expires_in=row.token_lifetime)
    return Redeemed(made.token, row.token_lifetime)
