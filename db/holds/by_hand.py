"""What people set for a hold in force: its dates, an override, and single orders or loads that it lets through.

Each locks the hold, leaves an audit row, and has the hold looked at in the same transaction.
"""

from collections.abc import Mapping
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from credit.audit_entries import holds as entries
from credit.outcomes import ExceptionScope, ScheduledDate, day_ends
from credit.states import HoldStatus, ReleaseCause, Verdict
from db import policies
from db.act import Act
from db.errors import BadInputError, NotInForceError
from db.holds import decisions, holds, outcomes, releases
from db.models import Decision, Hold, HoldException
from db.reasons import needs_reason

_IN_FORCE = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)

Overridden = Decision | decisions.FirstApproval
"""What an override made: the decision, or the approval of the first of two people."""


def set_dates(act: Act, hold: Hold, days: Mapping[ScheduledDate, date | None], *, reason: str) -> Hold:
    """Set or clear days of a hold in force; those that are not named stay. A day that has come counts at once.

    Raises:
        NotInForceError: the hold is not one in force.
        BadInputError: nothing to set, or no reason.
    """
    hold = _held(act.session, hold)
    if not days:
        raise BadInputError("name the end date, the review date, or both")
    needs_reason(reason)
    before = {name: getattr(hold, name) for name in days}
    for name, day in days.items():
        setattr(hold, name, day)
    act.note(hold.id, entries.HoldDatesSet(before=before, after=days, why=reason))
    act.session.flush()
    outcomes.review(act, hold.id)
    return hold


def override(act: Act, hold: Hold, *, reason: str, is_admin: bool) -> Overridden:
    """Propose and approve the release in one step. The rules of every approval hold: the claim, the second person.

    Raises:
        NotInForceError: the hold is not one in force.
        BadInputError: no reason.
        ClaimedByAnotherError, NothingToDecideError, SelfApprovalError, SecondApproverError: as `decisions.decide`.
    """
    hold = _held(act.session, hold)
    needs_reason(reason)
    releases.request(act, hold.id, f"override/{uuid4()}", ReleaseCause.PERSON, reason)
    claim, proposal = decisions.claim(act, hold)
    decided = decisions.decide(
        act,
        hold,
        claim_id=claim.id,
        revision=proposal.revision,
        verdict=Verdict.APPROVE,
        reason=reason,
        is_admin=is_admin,
    )
    if isinstance(decided, Decision):
        act.note(hold.id, entries.Overridden(decision_id=decided.id, why=reason))
    return decided


def except_one(
    act: Act, hold: Hold, *, scope: ExceptionScope, reference: str, until: date, reason: str
) -> HoldException:
    """Let one order or load through a hold in force, up to and including the day `until`.

    Raises:
        NotInForceError: the hold is not one in force.
        BadInputError: the day is over, or nothing or no reason is named.
    """
    hold = _held(act.session, hold)
    needs_reason(reason)
    if not reference.strip():
        raise BadInputError(f"name the {scope} that is let through")
    if act.now >= day_ends(until, policies.current(act.session)[1].calendar):
        raise BadInputError(f"the exception would end on {until}, which is over: give today or a later day")
    row = HoldException(
        hold_id=hold.id,
        scope=scope,
        reference=reference.strip(),
        reason=reason,
        until=until,
        created_by=act.actor,
        created_at=act.now,
    )
    act.session.add(row)
    act.session.flush()
    entry = entries.ExceptionGranted(
        exception_id=row.id, after=_of(row), why=f"{scope} {row.reference} until {until}: {reason}"
    )
    act.note(hold.id, entry)
    outcomes.review(act, hold.id)
    return row


def end_exception(act: Act, hold: Hold, exception_id: UUID, *, reason: str) -> HoldException:
    """End an exception before its last day.

    Raises:
        BadInputError: the hold has no such exception, or it is over, or there is no reason.
    """
    hold = holds.lock(act.session, hold.id)
    needs_reason(reason)
    row = act.session.get(HoldException, exception_id, with_for_update=True)
    calendar = policies.current(act.session)[1].calendar
    is_over = row is None or row.ended_at is not None or act.now >= day_ends(row.until, calendar)
    if row is None or row.hold_id != hold.id or is_over:
        raise BadInputError(f"no exception {exception_id} counts for this hold: it ended, or never was one")
    row.ended_at, row.ended_by, row.end_reason = act.now, act.actor, reason
    entry = entries.ExceptionWithdrawn(
        exception_id=row.id, before=_of(row), why=f"{row.scope} {row.reference}: {reason}"
    )
    act.note(hold.id, entry)
    outcomes.review(act, hold.id)
    return row


def _held(session: Session, hold: Hold) -> Hold:
    hold = holds.lock(session, hold.id)
    if hold.status not in _IN_FORCE:
        raise NotInForceError(hold.customer_id, hold.status)
    return hold


def _of(row: HoldException) -> entries.Excepted:
    return entries.Excepted(scope=row.scope, reference=row.reference, until=row.until)
