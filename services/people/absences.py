"""Absences with delegation: the one authority behind the CLI and the API. A person's own, or anybody's by an admin."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from credit.permissions import Permission
from db.act import Act
from db.people import absences
from db.people.tokens import Caller
from services.people import answers


def listed(session: Session, caller: Caller, *, over_too: bool = False) -> answers.Absences:
    """Return absences, the first to start first; those that are over only on demand."""
    caller.require(Permission.LOOK)
    now = datetime.now(UTC)
    rows = absences.listed(session, now, over_too=over_too)
    return answers.Absences(absences=[answers.Absence.of(row, now) for row in rows])


def add(
    act: Act,
    caller: Caller,
    *,
    login: str | None,
    delegate: str,
    starts_at: datetime | None,
    ends_at: datetime,
    reason: str,
) -> answers.Absence:
    """Let `delegate` stand in for `login` (the caller by default) from `starts_at` (now by default) on.

    Raises:
        NotAllowedError: it is somebody else's absence, and the caller no admin.
        UnknownUserError, BadInputError, LendingNeedsAdminError, AbsentAlreadyError: as `db.people.absences.add`.
    """
    login, starts_at = login or caller.name, starts_at or act.now
    _require_own(caller, login)
    added = absences.add(
        act,
        login=login,
        delegate=delegate,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        is_admin=caller.may(Permission.MANAGE_PEOPLE),
    )
    return answers.Absence.of(added, act.now)


def end(act: Act, caller: Caller, absence_id: UUID) -> answers.Absence:
    """End an absence now, or call it off before it begins; one that is over stays as it is.

    Raises:
        UnknownAbsenceError: there is none.
        NotAllowedError: it is somebody else's absence, and the caller no admin.
    """
    absence = absences.get(act.session, absence_id)
    _require_own(caller, absence.login)
    absences.end(act, absence)
    return answers.Absence.of(absence, act.now)


def _require_own(caller: Caller, login: str) -> None:
    caller.require(Permission.LOOK if login.strip().lower() == caller.name else Permission.MANAGE_PEOPLE)
