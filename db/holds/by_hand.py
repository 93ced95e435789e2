"""What people set for a hold in force: its dates, an override, and single orders or loads that it lets through.

Each locks the hold, leaves an audit row, and has the hold looked at in the same transaction.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from credit.audit_entries import holds as entries
from credit.outcomes import ExceptionScope, ScheduledDate, day_ends
from credit.states import HoldStatus, ReleaseCause, Verdict
from db import audit, policies
from db.errors import BadInputError, NotInForceError
from db.holds import decisions, four_eyes, holds, outcomes, releases
from db.models import Decision, Hold, HoldException
from db.reasons import needs_reason

_IN_FORCE = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)

Overridden = Decision | decisions.FirstApproval
"""What an override made: the decision, or the approval of the first of two people."""


def set_dates(
    session: Session,
    hold: Hold,
    days: Mapping[ScheduledDate, date | None],
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> Hold:
    """Set or clear days of a hold in force; those that are not named stay. A day that has come counts at once.

    Raises:
        NotInForceError: the hold is not one in force.
        BadInputError: nothing to set, or no reason.
    """
    hold = _held(session, hold)
    if not days:
        raise BadInputError("name the end date, the review date, or both")
    needs_reason(reason)
    before = {name: getattr(hold, name) for name in days}
    for name, day in days.items():
        setattr(hold, name, day)
    behalf = four_eyes.Acting.of(session, actor, now).on_behalf_of
    entry = entries.HoldDatesSet(before=before, after=days, why=reason, on_behalf_of=behalf)
    audit.append(session, chain=hold.id, entry=entry, actor=actor, at=now)
    session.flush()
    outcomes.review(session, hold.id, now)
    return hold


def override(session: Session, hold: Hold, *, reason: str, actor: str, is_admin: bool, now: datetime) -> Overridden:
    """Propose and approve the release in one step. The rules of every approval hold: the claim, the second person.

    Raises:
        NotInForceError: the hold is not one in force.
        BadInputError: no reason.
        ClaimedByAnotherError, NothingToDecideError, SelfApprovalError, SecondApproverError: as `decisions.decide`.
    """
    hold = _held(session, hold)
    needs_reason(reason)
    releases.request(
        session,
        hold_id=hold.id,
        request_id=f"override/{uuid4()}",
        cause=ReleaseCause.PERSON,
        reason=reason,
        actor=actor,
        asked_at=now,
        now=now,
    )
    claim, proposal = decisions.claim(session, hold, actor=actor, now=now)
    decided = decisions.decide(
        session,
        hold,
        claim_id=claim.id,
        revision=proposal.revision,
        verdict=Verdict.APPROVE,
        reason=reason,
        actor=actor,
        now=now,
        is_admin=is_admin,
    )
    if isinstance(decided, Decision):
        entry = entries.Overridden(decision_id=decided.id, why=reason, on_behalf_of=decided.on_behalf_of)
        audit.append(session, chain=hold.id, entry=entry, actor=actor, at=now)
    return decided


def except_one(
    session: Session,
    hold: Hold,
    *,
    scope: ExceptionScope,
    reference: str,
    until: date,
    reason: str,
    actor: str,
    now: datetime,
) -> HoldException:
    """Let one order or load through a hold in force, up to and including the day `until`.

    Raises:
        NotInForceError: the hold is not one in force.
        BadInputError: the day is over, or nothing or no reason is named.
    """
    hold = _held(session, hold)
    needs_reason(reason)
    if not reference.strip():
        raise BadInputError(f"name the {scope} that is let through")
    if now >= day_ends(until, policies.current(session)[1].calendar):
        raise BadInputError(f"the exception would end on {until}, which is over: give today or a later day")
    row = HoldException(
        hold_id=hold.id,
        scope=scope,
        reference=reference.strip(),
        reason=reason,
        until=until,
        created_by=actor,
        created_at=now,
    )
    session.add(row)
    session.flush()
    entry = entries.ExceptionGranted(
        exception_id=row.id,
        after=_of(row),
        why=f"{scope} {row.reference} until {until}: {reason}",
        on_behalf_of=four_eyes.Acting.of(session, actor, now).on_behalf_of,
    )
    audit.append(session, chain=hold.id, entry=entry, actor=actor, at=now)
    outcomes.review(session, hold.id, now)
    return row


def end_exception(
    session: Session, hold: Hold, exception_id: UUID, *, reason: str, actor: str, now: datetime
) -> HoldException:
    """End an exception before its last day.

    Raises:
        BadInputError: the hold has no such exception, or it is over, or there is no reason.
    """
    hold = holds.lock(session, hold.id)
    needs_reason(reason)
    row = session.get(HoldException, exception_id, with_for_update=True)
    calendar = policies.current(session)[1].calendar
    is_over = row is None or row.ended_at is not None or now >= day_ends(row.until, calendar)
    if row is None or row.hold_id != hold.id or is_over:
        raise BadInputError(f"no exception {exception_id} counts for this hold: `hold exception list` shows them")
    row.ended_at, row.ended_by, row.end_reason = now, actor, reason
    entry = entries.ExceptionWithdrawn(
        exception_id=row.id,
        before=_of(row),
        why=f"{row.scope} {row.reference}: {reason}",
        on_behalf_of=four_eyes.Acting.of(session, actor, now).on_behalf_of,
    )
    audit.append(session, chain=hold.id, entry=entry, actor=actor, at=now)
    outcomes.review(session, hold.id, now)
    return row


def _held(session: Session, hold: Hold) -> Hold:
    hold = holds.lock(session, hold.id)
    if hold.status not in _IN_FORCE:
        raise NotInForceError(hold.customer_id, hold.status)
    return hold


def _of(row: HoldException) -> entries.Excepted:
    return entries.Excepted(scope=row.scope, reference=row.reference, until=row.until)
