"""Who is absent, and who stands in for whom. One step only: a delegate's own delegate counts for nobody else.

While an absence lasts the delegate is told what the absent person is told, and may decide with that person's role if
it is the higher one. It counts only while both are people who may sign in.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from credit.audit_entries.people import AboutAbsence, AbsenceAdded, AbsenceEnded
from credit.permissions import Role
from db import audit
from db.errors import AbsentAlreadyError, BadInputError, UnknownAbsenceError
from db.models import Absence, User
from db.people import users
from db.people.tokens import Caller
from db.reasons import needs_reason

_ends = func.coalesce(Absence.ended_at, Absence.ends_at)
"""An absence that was ended early was ended before its end."""


def add(
    session: Session,
    *,
    login: str,
    delegate: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> Absence:
    """Let `delegate` stand in for `login` from `starts_at` until `ends_at`.

    Raises:
        UnknownUserError: one of the two is not known.
        BadInputError: they are one person, the delegate is disabled, the time makes no sense, or no reason is given.
        AbsentAlreadyError: the person is absent then already.
    """
    login, delegate = login.strip().lower(), delegate.strip().lower()
    if login == delegate:
        raise BadInputError(f"{login} cannot stand in for {login}: name somebody else as the delegate")
    if ends_at <= starts_at or ends_at <= now:
        raise BadInputError("an absence ends after it starts, and not in the past")
    needs_reason(reason)
    people = {one: users.get(session, one) for one in sorted((login, delegate))}  # locked, always in one order
    if people[delegate].disabled_at is not None:
        raise BadInputError(f"{delegate} is disabled and cannot stand in for anybody: name somebody else")
    meanwhile = select(Absence).where(Absence.login == login, Absence.starts_at < ends_at, starts_at < _ends)
    other = session.scalars(meanwhile.where(Absence.starts_at < _ends).limit(1)).first()
    if other is not None:
        raise AbsentAlreadyError(login, other.starts_at, other.ended_at or other.ends_at)
    absence = Absence(
        login=login,
        delegate=delegate,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        created_by=actor,
        created_at=now,
    )
    session.add(absence)
    session.flush()
    _audit(session, absence, AbsenceAdded, actor, now)
    return absence


def get(session: Session, absence_id: UUID) -> Absence:
    """Return an absence, locked until the transaction ends.

    Raises:
        UnknownAbsenceError: there is none.
    """
    absence = session.get(Absence, absence_id, with_for_update=True)
    if absence is None:
        raise UnknownAbsenceError(absence_id)
    return absence


def end(session: Session, absence: Absence, *, actor: str, now: datetime) -> None:
    """End a locked absence now, or call it off before it begins; one that is over stays as it is."""
    if absence.ended_at is None and absence.ends_at > now:
        absence.ended_at = now
        _audit(session, absence, AbsenceEnded, actor, now)


def listed(session: Session, now: datetime, *, over_too: bool = False) -> Sequence[Absence]:
    """Return absences, the first to start first; those that are over only on demand."""
    query = select(Absence).order_by(Absence.starts_at, Absence.login)
    return session.scalars(query if over_too else query.where(now < _ends)).all()


def lasts(now: datetime) -> ColumnElement[bool]:
    """Build the condition of an absence that counts now."""
    return and_(Absence.starts_at <= now, now < _ends)


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


def standing_in(session: Session, caller: Caller, now: datetime) -> Caller:
    """Return the caller with the highest role that absent people lend now."""
    return replace(caller, stands_in=max(represented(session, caller.name, now).values(), default=None))


def _audit(session: Session, absence: Absence, kind: type[AboutAbsence], actor: str, now: datetime) -> None:
    entry = kind(
        absence_id=absence.id,
        login=absence.login,
        delegate=absence.delegate,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        why=absence.reason,
    )
    audit.append(session, chain=audit.SYSTEM, entry=entry, actor=actor, at=now)
