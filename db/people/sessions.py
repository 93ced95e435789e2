"""Signed-in browsers: opened, found by their cookie, ended. Only the SHA-256 of a cookie is kept."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from db.models import User, UserSession
from db.people.digests import digest

_SEEN_STEPS = 10
"""`last_seen_at` is written at most this often within the idle time, so that reading pages writes little."""

_KEPT = timedelta(days=7)
"""How long a session that ended stays in the table."""


@dataclass(frozen=True)
class Lifetime:
    """When sessions end: after this long without a request, and after this long in any case."""

    idle: timedelta
    absolute: timedelta


def start(
    session: Session, user: User, lifetime: Lifetime, *, address: str, user_agent: str, now: datetime
) -> tuple[UserSession, str]:
    """Open a session; returns it and its cookie of 256 random bits, which cannot be read again."""
    session.execute(delete(UserSession).where(UserSession.expires_at < now - _KEPT))
    cookie = secrets.token_urlsafe(32)
    row = UserSession(
        user_id=user.id,
        sha256=digest(cookie),
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        last_seen_at=now,
        expires_at=now + lifetime.absolute,
        address=address,
        user_agent=user_agent[:300],
    )
    row.user = user
    session.add(row)
    session.flush()
    return row, cookie


def by_cookie(session: Session, cookie: str) -> UserSession | None:
    """Return the session of this cookie, ended or not; None where the cookie was never given out."""
    return session.scalars(select(UserSession).where(UserSession.sha256 == digest(cookie))).one_or_none()


def ended(row: UserSession, lifetime: Lifetime, now: datetime) -> str | None:
    """Return why a session may not be used (any more); None while it may."""
    if row.user.disabled_at is not None:
        return "the user is disabled"
    if row.revoked_at is not None:
        return "the session was ended"
    if now >= row.expires_at:
        return "the session reached its end"
    if now >= row.last_seen_at + lifetime.idle:
        return "the session was idle for too long"
    return None


def seen(session: Session, row: UserSession, lifetime: Lifetime, now: datetime) -> None:
    """Move the idle end of a session in use."""
    if now - row.last_seen_at >= min(lifetime.idle / _SEEN_STEPS, timedelta(minutes=1)):
        session.execute(
            update(UserSession)
            .where(UserSession.id == row.id, UserSession.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )


def live(session: Session, lifetime: Lifetime, now: datetime, *, user_id: UUID | None = None) -> Sequence[UserSession]:
    """Return the sessions that can be used, the last used first; those of one user, or everybody's."""
    query = (
        select(UserSession)
        .join(UserSession.user)
        .options(joinedload(UserSession.user))
        .where(
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
            UserSession.last_seen_at > now - lifetime.idle,
            User.disabled_at.is_(None),
        )
        .order_by(UserSession.last_seen_at.desc())
    )
    if user_id is not None:
        query = query.where(UserSession.user_id == user_id)
    return session.scalars(query).all()


def revoke(session: Session, now: datetime, *, user_id: UUID, only: UUID | None = None, but: UUID | None = None) -> int:
    """End a user's sessions: all, `only` one, or all `but` one. Returns how many."""
    query = update(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    if only is not None:
        query = query.where(UserSession.id == only)
    if but is not None:
        query = query.where(UserSession.id != but)
    query = query.values(revoked_at=now).returning(UserSession.id).execution_options(synchronize_session=False)
    return len(session.scalars(query).all())
