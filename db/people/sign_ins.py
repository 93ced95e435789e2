"""Failed sign-ins: how many a login and an address have had of late."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from db.models import SignInFailure

WINDOW = timedelta(minutes=15)
LOGIN_LIMIT = 5
ADDRESS_LIMIT = 20
MAX_LOGIN = 200
"""Characters kept of what was typed as login."""


def try_again_at(session: Session, *, login: str, address: str, now: datetime) -> datetime | None:
    """Count an attempt before it is made, as if it had failed; `succeeded` takes it back.

    So attempts made at the same time can't pass the limit together.

    Returns:
        None where it may be made; otherwise when the next one may, and this one was not counted.
    """
    login = login[:MAX_LOGIN]
    for key in sorted((f"sign-in login:{login}", f"sign-in address:{address}")):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    session.execute(delete(SignInFailure).where(SignInFailure.at <= now - WINDOW))
    until = [
        moment + WINDOW
        for moment in (
            _limit_reached(session, SignInFailure.login == login, LOGIN_LIMIT),
            _limit_reached(session, SignInFailure.address == address, ADDRESS_LIMIT),
        )
        if moment is not None
    ]
    if until:
        return max(until)
    session.add(SignInFailure(login=login, address=address, at=now))
    return None


def succeeded(session: Session, *, login: str) -> None:
    """Forget a login's failures: its owner is here."""
    session.execute(delete(SignInFailure).where(SignInFailure.login == login[:MAX_LOGIN]))


def _limit_reached(session: Session, who: ColumnElement[bool], limit: int) -> datetime | None:
    """Return the failure that has to grow old before the next attempt; None while there are fewer than `limit`."""
    query = select(SignInFailure.at).where(who).order_by(SignInFailure.at.desc()).offset(limit - 1).limit(1)
    return session.scalars(query).one_or_none()
