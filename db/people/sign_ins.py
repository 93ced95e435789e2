"""Failed sign-ins: few of late from one place, so that guessing is slow, and none of them keeps somebody else out.

A browser that a person signed in from carries a cookie and is counted by itself, so that no stranger uses up its tries:
OWASP's "Slow Down Online Guessing Attacks with Device Cookies"
(https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies). The cookie is 256 random bits
that say nothing; it is looked up by its SHA-256, which proves as much as the signature that OWASP has.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from db.models import KnownDevice, SignInFailure, User
from db.people.digests import digest

WINDOW = timedelta(minutes=15)
PLACE_LIMIT = 5
"""Of one login, from one address or one known device."""
ADDRESS_LIMIT = 20
"""Of all logins, from one address; known devices are not among them."""
LOGIN_LIMIT = 100
"""Of one login, from all addresses; known devices are not among them, nor bound by it."""
DEVICE_KEPT = timedelta(days=365)
"""How long a device is known after the last sign-in from it."""
MAX_LOGIN = 200
"""Characters kept of what was typed as login."""


def try_again_at(session: Session, *, login: str, address: str, device: str, now: datetime) -> datetime | None:
    """Count an attempt before it is made, as if it had failed; `succeeded` takes it back.

    So attempts made at the same time can't pass a limit together.

    Args:
        login: What was typed, in lower case.
        address: Where the attempt comes from.
        device: The browser's device cookie; empty for none.

    Returns:
        None where it may be made; otherwise when the next one may, and this one was not counted.
    """
    login, failure = login[:MAX_LOGIN], SignInFailure
    known = digest(device) if _is_known(session, login, device) else None
    if known is not None:
        keys = [f"sign-in device:{known}"]
        limits = [(failure.device == known, PLACE_LIMIT)]
    else:
        keys = [f"sign-in login:{login}", f"sign-in address:{address}"]
        limits = [
            (and_(failure.login == login, failure.address == address), PLACE_LIMIT),
            (failure.address == address, ADDRESS_LIMIT),
            (failure.login == login, LOGIN_LIMIT),
        ]
        limits = [(and_(which, failure.device.is_(None)), limit) for which, limit in limits]
    for key in sorted(keys):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    session.execute(delete(failure).where(failure.at <= now - WINDOW))
    reached = [_limit_reached(session, which, limit) for which, limit in limits]
    until = [moment + WINDOW for moment in reached if moment is not None]
    if until:
        return max(until)
    session.add(SignInFailure(login=login, address=address, device=known, at=now))
    return None


def succeeded(session: Session, *, login: str, address: str, device: str) -> None:
    """Forget a login's failures from here: its owner is here. Those from elsewhere were somebody else's."""
    login, failure = login[:MAX_LOGIN], SignInFailure
    here = or_(and_(failure.address == address, failure.device.is_(None)), failure.device == digest(device))
    session.execute(delete(failure).where(failure.login == login, here))


def know_device(session: Session, user: User, device: str, now: datetime) -> str:
    """Know the browser as one that this user signed in from; returns its cookie.

    A cookie that was not this user's is replaced: nobody's browser becomes known by what somebody else put into it.
    """
    session.execute(delete(KnownDevice).where(KnownDevice.seen_at < now - DEVICE_KEPT))
    ours = KnownDevice.sha256 == digest(device), KnownDevice.user_id == user.id
    if session.scalars(update(KnownDevice).where(*ours).values(seen_at=now).returning(KnownDevice.sha256)).all():
        return device
    fresh = secrets.token_urlsafe(32)
    session.add(KnownDevice(sha256=digest(fresh), user_id=user.id, seen_at=now))
    return fresh


def forget_devices(session: Session, user_id: UUID) -> None:
    session.execute(delete(KnownDevice).where(KnownDevice.user_id == user_id))


def _is_known(session: Session, login: str, device: str) -> bool:
    query = select(KnownDevice.sha256).join(User, User.id == KnownDevice.user_id)
    return session.scalars(query.where(KnownDevice.sha256 == digest(device), User.login == login)).first() is not None


def _limit_reached(session: Session, which: ColumnElement[bool], limit: int) -> datetime | None:
    """Return the failure that has to grow old before the next attempt; None while there are fewer than `limit`."""
    query = select(SignInFailure.at).where(which).order_by(SignInFailure.at.desc()).offset(limit - 1).limit(1)
    return session.scalars(query).one_or_none()
