"""Who stands in for whom right now: one step only, and only while both are people who may sign in."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from credit.permissions import Role
from db.models import Absence, User

ends = func.coalesce(Absence.ended_at, Absence.ends_at)
"""An absence that was ended early was ended before its end."""


def lasts(now: datetime) -> ColumnElement[bool]:
    """Build the condition of an absence that counts now."""
    return and_(Absence.starts_at <= now, now < ends)


def represented(session: Session, actor: str, now: datetime) -> dict[str, Role]:
    """Return the absent people for whom `actor` stands in now, with their roles, by login."""
    away, stand_in = aliased(User), aliased(User)
    query = (
        select(away.login, away.role)
        .join(Absence, Absence.login == away.login)
        .join(stand_in, stand_in.login == Absence.delegate)
        .where(Absence.delegate == actor, lasts(now), away.disabled_at.is_(None), stand_in.disabled_at.is_(None))
        .order_by(away.login)
    )
    return {login: Role[role.upper()] for login, role in session.execute(query)}
