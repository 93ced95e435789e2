"""Absences with delegation: the one authority behind the CLI and the API. A person's own, or anybody's by an admin."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine

from credit.permissions import Permission
from db.engine import transaction
from db.people import absences
from db.people.tokens import Caller
from services.people import answers


class Absences:
    """Who is away, and who stands in, on one database. Each change is one transaction, and audited."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listed(self, caller: Caller, *, over_too: bool = False) -> answers.Absences:
        """Return absences, the first to start first; those that are over only on demand."""
        caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            now = datetime.now(UTC)
            rows = absences.listed(session, now, over_too=over_too)
            return answers.Absences(absences=[answers.Absence.of(row, now) for row in rows])

    def add(
        self,
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
            UnknownUserError, BadInputError, AbsentAlreadyError: as `db.people.absences.add`.
        """
        login = login or caller.name
        _require_own(caller, login)
        with transaction(self._engine) as session:
            now = datetime.now(UTC)
            added = absences.add(
                session,
                login=login,
                delegate=delegate,
                starts_at=starts_at or now,
                ends_at=ends_at,
                reason=reason,
                actor=caller.name,
                now=now,
            )
            return answers.Absence.of(added, now)

    def end(self, caller: Caller, absence_id: UUID) -> answers.Absence:
        """End an absence now, or call it off before it begins; one that is over stays as it is.

        Raises:
            UnknownAbsenceError: there is none.
            NotAllowedError: it is somebody else's absence, and the caller no admin.
        """
        with transaction(self._engine) as session:
            now, absence = datetime.now(UTC), absences.get(session, absence_id)
            _require_own(caller, absence.login)
            absences.end(session, absence, actor=caller.name, now=now)
            return answers.Absence.of(absence, now)


def _require_own(caller: Caller, login: str) -> None:
    caller.require(Permission.LOOK if login.strip().lower() == caller.name else Permission.MANAGE_PEOPLE)
