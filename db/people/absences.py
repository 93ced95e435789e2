"""Who is absent, and who stands in for whom.

While an absence lasts the delegate is told what the absent person is told, and may decide with that person's role if
it is the higher one. It counts only while both are people who may sign in, with the role that the absent one has then,
never with one that he himself is lent.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.audit_entries.people import AboutAbsence, AbsenceAdded, AbsenceEnded
from credit.permissions import Role
from db import audit
from db.act import Act
from db.delegation import ends, represented
from db.errors import AbsentAlreadyError, BadInputError, LendingNeedsAdminError, UnknownAbsenceError
from db.models import Absence
from db.people import users
from db.people.tokens import Caller
from db.reasons import needs_reason

LONGEST = timedelta(days=366)
"""How long an absence lasts at most, and how far ahead it starts."""


def add(
    act: Act, *, login: str, delegate: str, starts_at: datetime, ends_at: datetime, reason: str, is_admin: bool = False
) -> Absence:
    """Let `delegate` stand in for `login` from `starts_at` until `ends_at`; `is_admin` says whether an admin does.

    Raises:
        UnknownUserError: one of the two is not known.
        BadInputError: they are one person, the delegate is disabled, the time makes no sense, or no reason is given.
        LendingNeedsAdminError: the delegate's own role is below requester.
        AbsentAlreadyError: the person is absent then already.
    """
    login, delegate = login.strip().lower(), delegate.strip().lower()
    if login == delegate:
        raise BadInputError(f"{login} cannot stand in for {login}: name somebody else as the delegate")
    if ends_at <= starts_at or ends_at <= act.now:
        raise BadInputError("an absence ends after it starts, and not in the past")
    if starts_at > act.now + LONGEST:
        raise BadInputError(f"an absence starts at most {LONGEST.days} days from now: note it again when it is nearer")
    if ends_at - starts_at > LONGEST:
        raise BadInputError(
            f"an absence lasts at most {LONGEST.days} days: choose an earlier end, and note the rest then"
        )
    needs_reason(reason)
    people = {one: users.get(act.session, one) for one in sorted((login, delegate))}  # locked, always in one order
    if people[delegate].disabled_at is not None:
        raise BadInputError(f"{delegate} is disabled and cannot stand in for anybody: name somebody else")
    if not is_admin and (own := Role[people[delegate].role.upper()]) < Role.REQUESTER:
        raise LendingNeedsAdminError(delegate, own)
    meanwhile = select(Absence).where(Absence.login == login, Absence.starts_at < ends_at, starts_at < ends)
    other = act.session.scalars(meanwhile.where(Absence.starts_at < ends).limit(1)).first()
    if other is not None:
        raise AbsentAlreadyError(login, other.starts_at, other.ended_at or other.ends_at)
    absence = Absence(
        login=login,
        delegate=delegate,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        created_by=act.actor,
        created_at=act.now,
    )
    act.session.add(absence)
    act.session.flush()
    _audit(act, absence, AbsenceAdded)
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


def end(act: Act, absence: Absence) -> None:
    """End a locked absence now, or call it off before it begins; one that is over stays as it is."""
    if absence.ended_at is None and absence.ends_at > act.now:
        absence.ended_at = act.now
        _audit(act, absence, AbsenceEnded)


def listed(session: Session, now: datetime, *, over_too: bool = False) -> Sequence[Absence]:
    """Return absences, the first to start first; those that are over only on demand."""
    query = select(Absence).order_by(Absence.starts_at, Absence.login)
    return session.scalars(query if over_too else query.where(now < ends)).all()


def standing_in(session: Session, caller: Caller, now: datetime) -> Caller:
    """Return the caller with the highest role that absent people lend now, to a service's token none."""
    if caller.token is not None and caller.token.is_service:
        return caller
    lent = max(represented(session, caller.name, now).values(), default=None)
    at_most = caller.token.at_most if caller.token else None
    return replace(caller, stands_in=min(lent, at_most) if lent is not None and at_most is not None else lent)


def _audit(act: Act, absence: Absence, kind: type[AboutAbsence]) -> None:
    entry = kind(
        absence_id=absence.id,
        login=absence.login,
        delegate=absence.delegate,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        why=absence.reason,
    )
    act.note(audit.SYSTEM, entry)
