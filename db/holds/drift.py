"""Where NetSuite says something else than the record wants: noted, asked about once, and settled by a person.

A push under way is no drift: a record counts only while the beat that wrote it is done, and a look counts only if the
record's generation is still the one that was looked at.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from credit.audit_entries.holds import RepairWithdrawn
from credit.audit_entries.netsuite import (
    Drift,
    NetSuiteDriftEnded,
    NetSuiteDriftFound,
    NetSuiteHoldAdopted,
    RepairProposed,
)
from credit.drift import DriftOutcome, Sight, compare
from credit.hold import HoldView
from credit.notices import SYSTEM, Cause
from credit.states import OPEN_HOLD, Beat, BeatStatus, HoldStatus, ProposalKind, ProposalStatus, Verdict
from credit.triggers import Trigger
from db import audit, customers, netsuite, outbox, policies
from db.act import Act
from db.errors import NothingToAdoptError
from db.holds import beats, holds, proposals
from db.models import (
    Adoption,
    Customer,
    Decision,
    Hold,
    HoldBeat,
    NetSuiteDrift,
    NetSuiteReading,
    NetSuiteRecord,
    Proposal,
)

_IN_FORCE = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)


class Watched(NamedTuple):
    """A NetSuite record whose value this system answers for."""

    netsuite_id: str
    customer_id: str
    hold_id: UUID
    released: bool
    desired: str
    prior: str | None
    generation: int


class Standing(NamedTuple):
    """A difference that stands, as people see it."""

    drift: NetSuiteDrift
    customer_id: str | None
    customer_name: str | None
    hold_status: HoldStatus | None


def watched(session: Session, *, after: str | None, limit: int, now: datetime) -> list[Watched]:
    """Return the next records to compare, by NetSuite id: of holds in force, and for a while of released ones."""
    query = _watched(session, now).order_by(NetSuiteRecord.netsuite_id).limit(limit)
    if after is not None:
        query = query.where(NetSuiteRecord.netsuite_id > after)
    return [Watched(**row._mapping) for row in session.execute(query)]  # noqa: SLF001 (it is public)


def _watched(session: Session, now: datetime) -> Select[str, str, UUID, bool, str, str | None, int]:
    since = now - policies.current(session)[1].drift_watch_released
    released = Hold.status == HoldStatus.RELEASED
    wrote = case((released, Beat.RESTORE_NETSUITE.value), else_=Beat.PUSH_NETSUITE.value)
    return (
        select(
            NetSuiteRecord.netsuite_id,
            Hold.customer_id,
            Hold.id.label("hold_id"),
            released.label("released"),
            NetSuiteRecord.desired,
            NetSuiteRecord.prior,
            NetSuiteRecord.generation,
        )
        .join(Hold, Hold.id == NetSuiteRecord.hold_id)
        .join(HoldBeat, and_(HoldBeat.hold_id == Hold.id, HoldBeat.beat == wrote))
        .where(HoldBeat.status == BeatStatus.DONE, NetSuiteRecord.prior.is_not(None))
        .where(or_(Hold.status.in_(_IN_FORCE), and_(released, Hold.closed_at > since)))
    )


def standing_at(session: Session, netsuite_ids: Sequence[str]) -> set[str]:
    """Return which of these records have a difference that stands."""
    query = select(NetSuiteDrift.netsuite_id).where(NetSuiteDrift.netsuite_id.in_(netsuite_ids))
    return set(session.scalars(query.where(NetSuiteDrift.ended_at.is_(None))))


def note(act: Act, looked_at: Watched, found: str) -> bool:
    """Keep what a look found; False where the record has moved on since, so that the look says nothing."""
    hold = holds.lock(act.session, looked_at.hold_id)
    record = netsuite.record_of(act.session, hold.id, lock=True)
    query = _watched(act.session, act.now).where(NetSuiteRecord.netsuite_id == looked_at.netsuite_id)
    still = act.session.execute(query).first()
    if record is None or still is None or record.generation != looked_at.generation:
        return False
    record.value, record.read_back_at = found, act.now
    row = _standing_row(act.session, looked_at.netsuite_id)
    if row is not None and (row.hold_id, row.generation) != (hold.id, record.generation):
        _end(row, DriftOutcome.GONE, act.now)
        act.session.flush()
        row = None
    match compare(looked_at.desired, found, row.found if row else None):
        case Sight.NEW:
            _add(act, looked_at, found)
        case Sight.STILL if row is not None:
            row.last_seen_at = act.now
        case Sight.CHANGED if row is not None:
            _end(row, DriftOutcome.CHANGED, act.now)
            act.session.flush()
            fresh = _add(act, looked_at, found)
            fresh.proposal_id = _revised(act.session, row, fresh)
        case Sight.ENDED if row is not None:
            _end(row, DriftOutcome.GONE, act.now)
            _audit(act, row, NetSuiteDriftEnded)
    return True


def _add(act: Act, looked_at: Watched, found: str) -> NetSuiteDrift:
    row = NetSuiteDrift(
        netsuite_id=looked_at.netsuite_id,
        hold_id=looked_at.hold_id,
        generation=looked_at.generation,
        expected=looked_at.desired,
        found=found,
        first_seen_at=act.now,
        last_seen_at=act.now,
    )
    act.session.add(row)
    act.session.flush()
    _audit(act, row, NetSuiteDriftFound)
    return row


def _revised(session: Session, before: NetSuiteDrift, after: NetSuiteDrift) -> UUID | None:
    """Make a new revision of the proposal that asked about the value before: what was shown is not so any more."""
    proposal = _open_repair(session, before.hold_id) if before.hold_id else None
    if proposal is None:
        return None
    proposal.revision += 1
    proposal.note, proposal.reason = _note(after), _says(after)
    return proposal.id


def _audit(act: Act, row: NetSuiteDrift, kind: type[Drift]) -> None:
    why = (
        f"NetSuite says {row.found} where {row.expected} is wanted"
        if row.outcome is None
        else f"NetSuite said {row.found} where {row.expected} is wanted, and does so no more"
    )
    entry = kind(netsuite_id=row.netsuite_id, before=row.expected, after=row.found, why=why)
    act.by_system.note(row.hold_id or audit.SYSTEM, entry)


def _end(row: NetSuiteDrift, outcome: DriftOutcome, now: datetime) -> None:
    row.ended_at = now
    if row.settled_at is None:
        row.settled_at, row.outcome = now, outcome


def _standing_row(session: Session, netsuite_id: str) -> NetSuiteDrift | None:
    query = select(NetSuiteDrift).where(NetSuiteDrift.netsuite_id == netsuite_id, NetSuiteDrift.ended_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


# --- asking, and what was decided -------------------------------------------------------------------------------


def to_tell(session: Session, netsuite_ids: Sequence[str]) -> list[str]:
    """Return the customers whose hold's workflow has something to do: open a repair proposal, or withdraw one."""
    unasked = or_(
        NetSuiteDrift.proposal_id.is_(None), Proposal.status.in_((ProposalStatus.EXPIRED, ProposalStatus.WITHDRAWN))
    )
    stands = and_(NetSuiteDrift.settled_at.is_(None), unasked)
    moot = and_(NetSuiteDrift.outcome == DriftOutcome.GONE, Proposal.status == ProposalStatus.OPEN)
    query = (
        select(Hold.customer_id)
        .join(NetSuiteDrift, NetSuiteDrift.hold_id == Hold.id)
        .outerjoin(Proposal, Proposal.id == NetSuiteDrift.proposal_id)
        .where(NetSuiteDrift.netsuite_id.in_(netsuite_ids), Hold.status.in_(_IN_FORCE), or_(stands, moot))
        .where(~_other_proposal())
    )
    return sorted(set(session.scalars(query)))


def _other_proposal() -> ColumnElement[bool]:
    """Something else about the hold waits for its approver: one thing at a time."""
    other = aliased(Proposal)
    is_open = select(other.id).where(other.hold_id == Hold.id, other.status == ProposalStatus.OPEN)
    return is_open.where(other.kind != ProposalKind.REPAIR).exists()


def propose_repair(act: Act, hold_id: UUID) -> HoldView:
    """Open the proposal to repair what NetSuite says of a hold in force; withdraw it where nothing is to be repaired.

    Repeated, it changes nothing. While another proposal is open, such as a release, it waits for the next look.
    """
    hold = holds.lock(act.session, hold_id)
    row = unsettled(act.session, hold_id)
    proposal = _open_repair(act.session, hold_id)
    newest = holds.newest_proposal(act.session, hold_id)
    if proposal is not None and row is None:
        proposals.settle_undecided(act, hold_id=hold_id, proposal_id=proposal.id, ending=HoldStatus.WITHDRAWN)
    elif row is not None and hold.status in _IN_FORCE and newest.status is not ProposalStatus.OPEN:
        cause = Cause(SYSTEM, _says(row))
        proposal = proposals.propose(act, hold, ProposalKind.REPAIR, cause, revision=newest.revision + 1)
        proposal.note = _note(row)
        row.proposal_id = proposal.id
        act.by_system.note(hold_id, RepairProposed(why=proposal.note, netsuite_id=row.netsuite_id))
    return holds.view(act.session, hold_id)


def _says(row: NetSuiteDrift) -> str:
    return f"NetSuite says {row.found} for customer {row.netsuite_id}; this hold wants {row.expected}"


def _note(row: NetSuiteDrift) -> str:
    return (
        f"NETSUITE SAYS {row.found} for customer {row.netsuite_id}; this hold wants {row.expected}. "
        f"Approve to write {row.expected} again, decline to accept {row.found}"
    )


def unsettled(session: Session, hold_id: UUID) -> NetSuiteDrift | None:
    """Return the difference of this hold that nobody has decided about; None where there is none."""
    query = select(NetSuiteDrift).where(NetSuiteDrift.hold_id == hold_id, NetSuiteDrift.settled_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def _open_repair(session: Session, hold_id: UUID) -> Proposal | None:
    query = select(Proposal).where(Proposal.hold_id == hold_id, Proposal.status == ProposalStatus.OPEN)
    return session.scalars(query.where(Proposal.kind == ProposalKind.REPAIR)).one_or_none()


def withdraw_repair(act: Act, hold: Hold, why: str) -> None:
    """Make room for a weightier proposal; where the difference still stands, it is asked about again afterwards."""
    proposal = _open_repair(act.session, hold.id)
    if proposal is not None:
        proposals.settle(act, proposal, ProposalStatus.WITHDRAWN)
        act.by_system.note(hold.id, RepairWithdrawn(why=why))
        act.session.flush()


def obey(act: Act, hold: Hold, decision: Decision) -> str:
    """Carry a decided repair into the rows: approved, beat 4 runs once more; declined, what NetSuite says stands."""
    row = unsettled(act.session, hold.id)
    if decision.verdict is Verdict.DECLINE:
        if row is not None:
            row.settled_at, row.outcome = act.now, DriftOutcome.ACCEPTED
        return "declined"
    if hold.status in _IN_FORCE:
        _order_again(act, hold, Beat.PUSH_NETSUITE, row)
    return "approved"


def orders_a_push(session: Session, decision: Decision) -> bool:
    """Whether an approval that was obeyed has beat 4 run once more: it repairs a hold in force."""
    is_repair = holds.proposal(session, decision.proposal_id).kind is ProposalKind.REPAIR
    return is_repair and holds.lock(session, decision.hold_id).status in _IN_FORCE


def order_restore(act: Act, hold: Hold, row: NetSuiteDrift) -> None:
    """Order a released hold's prior value to be written again, whatever NetSuite says meanwhile."""
    _order_again(act, hold, Beat.RESTORE_NETSUITE, row)
    netsuite.confirm_restore(act.session, hold.id)


def _order_again(act: Act, hold: Hold, beat: Beat, row: NetSuiteDrift | None) -> None:
    netsuite.desire_again(act.session, hold.id)
    beats.again(act.session, hold.id, beat)
    if row is not None:
        row.settled_at = row.ended_at = act.now
        row.outcome = DriftOutcome.REPAIRED


class Repair(NamedTuple):
    """A released hold whose prior value is to be written again, and the order for it."""

    id: UUID
    """Of the difference that it mends."""
    hold_id: UUID


def unrepaired(session: Session, *, now: datetime, resend_after: timedelta) -> list[Repair]:
    """Return the repairs of released holds that are neither done nor waiting for a person, nor were tried lately.

    Those of holds in force are decisions, and their own workflow carries them out.
    """
    restoring = and_(HoldBeat.hold_id == Hold.id, HoldBeat.beat == Beat.RESTORE_NETSUITE)
    newer = aliased(NetSuiteDrift)
    newest = ~exists().where(newer.hold_id == NetSuiteDrift.hold_id, newer.settled_at > NetSuiteDrift.settled_at)
    ordered = (
        select(NetSuiteDrift.id, Hold.id)
        .join(Hold, Hold.id == NetSuiteDrift.hold_id)
        .join(HoldBeat, restoring)
        .where(NetSuiteDrift.outcome == DriftOutcome.REPAIRED, newest, Hold.status == HoldStatus.RELEASED)
        .where(HoldBeat.status.in_((BeatStatus.PENDING, BeatStatus.RUNNING, BeatStatus.RETRYING)))
    )
    query = outbox.due(
        ordered, written=NetSuiteDrift.settled_at, tried=NetSuiteDrift.tried_at, now=now, resend_after=resend_after
    )
    return [Repair(*row) for row in session.execute(query)]


def note_tried(session: Session, repair: Repair, now: datetime) -> None:
    """Note that a repair was handed to Temporal, or that this failed."""
    session.execute(update(NetSuiteDrift).where(NetSuiteDrift.id == repair.id).values(tried_at=now))


def accept(row: NetSuiteDrift, now: datetime) -> None:
    """Note that what NetSuite says is right."""
    row.settled_at, row.outcome = now, DriftOutcome.ACCEPTED


def listed(session: Session, *, limit: int = 1000) -> list[Standing]:
    """Return the differences that nobody has decided about, oldest first."""
    query = (
        select(NetSuiteDrift, Customer.id, Customer.name, Hold.status)
        .outerjoin(Customer, Customer.netsuite_id == NetSuiteDrift.netsuite_id)
        .outerjoin(Hold, Hold.id == NetSuiteDrift.hold_id)
        .where(NetSuiteDrift.settled_at.is_(None))
        .order_by(NetSuiteDrift.first_seen_at, NetSuiteDrift.id)
        .limit(limit)
    )
    return [Standing(*row) for row in session.execute(query)]


def unwritten(session: Session) -> int:
    """Count the values that are wanted in NetSuite and not written there yet."""
    to_write = (Beat.PUSH_NETSUITE, Beat.RESTORE_NETSUITE)
    unfinished = (BeatStatus.PENDING, BeatStatus.RUNNING, BeatStatus.RETRYING, BeatStatus.NEEDS_ATTENTION)
    writing = (HoldStatus.APPLYING, HoldStatus.IN_FORCE, HoldStatus.RELEASING, HoldStatus.RELEASED)
    query = (
        select(func.count())
        .select_from(HoldBeat)
        .join(Hold, Hold.id == HoldBeat.hold_id)
        .where(HoldBeat.beat.in_(to_write), HoldBeat.status.in_(unfinished), Hold.status.in_(writing))
    )
    return session.scalar(query) or 0


# --- ON in NetSuite, and no hold here ---------------------------------------------------------------------------


def note_unheld(session: Session, netsuite_ids: Sequence[str], now: datetime) -> int:
    """Note which of these records, ON in NetSuite, no hold here answers for; returns how many."""
    ours = select(NetSuiteRecord.netsuite_id).where(NetSuiteRecord.netsuite_id.in_(netsuite_ids))
    open_here = (
        select(Customer.netsuite_id)
        .join(Hold, Hold.customer_id == Customer.id)
        .where(Customer.netsuite_id.in_(netsuite_ids), Hold.status.in_(OPEN_HOLD))
    )
    watched_here = _watched(session, now).with_only_columns(NetSuiteRecord.netsuite_id)
    known = set(session.scalars(watched_here.where(NetSuiteRecord.netsuite_id.in_(ours))))
    known |= set(session.scalars(open_here))
    unheld = [netsuite_id for netsuite_id in netsuite_ids if netsuite_id not in known]
    for netsuite_id in unheld:
        row = _standing_row(session, netsuite_id)
        if row is not None and row.hold_id is not None:  # of a hold that is not watched any more
            _end(row, DriftOutcome.GONE, now)
            session.flush()
            row = None
        if row is None:
            session.add(NetSuiteDrift(netsuite_id=netsuite_id, found="ON", first_seen_at=now, last_seen_at=now))
        else:
            row.last_seen_at = now
    return len(unheld)


def end_unheld(session: Session, *, not_seen_since: datetime, now: datetime) -> None:
    """End the differences without a hold that a whole check did not see."""
    session.execute(
        update(NetSuiteDrift)
        .where(NetSuiteDrift.hold_id.is_(None), NetSuiteDrift.ended_at.is_(None))
        .where(NetSuiteDrift.last_seen_at < not_seen_since)
        .values(
            ended_at=now,
            settled_at=case((NetSuiteDrift.settled_at.is_(None), now), else_=NetSuiteDrift.settled_at),
            outcome=case((NetSuiteDrift.outcome.is_(None), DriftOutcome.GONE.value), else_=NetSuiteDrift.outcome),
        )
    )


def unheld(session: Session, netsuite_id: str) -> NetSuiteDrift | None:
    """Return the difference of a record that is ON in NetSuite without a hold here; None where none was seen."""
    row = _standing_row(session, netsuite_id)
    return row if row is not None and row.hold_id is None else None


def require_unheld(session: Session, customer_id: str) -> None:
    """Assert that the last check saw a customer ON in NetSuite without a hold here.

    Raises:
        UnknownCustomerError: there is no such customer.
        NothingToAdoptError: it did not.
    """
    if unheld(session, customers.get(session, customer_id).netsuite_id) is None:
        raise NothingToAdoptError(customer_id)


def adopt_as_asked(act: Act, hold_id: UUID, trigger: Trigger) -> None:
    """Adopt the hold that a trigger has reached, where that was asked for with it; the newest order counts."""
    if trigger.adopt_prior is None:
        return
    known = act.session.get(Adoption, hold_id)
    if known is None or known.at < trigger.at:
        who = Act(act.session, trigger.actor, trigger.at)
        _adopt(who, holds.lock(act.session, hold_id), prior=trigger.adopt_prior, reason=trigger.reason)


def _adopt(act: Act, hold: Hold, *, prior: str, reason: str) -> None:
    """Note what the release of this hold is to write: NetSuite had it ON already, so a reading would not tell."""
    act.session.merge(Adoption(hold_id=hold.id, prior=prior, reason=reason, actor=act.actor, at=act.now))
    record = netsuite.record_of(act.session, hold.id, lock=True)
    if record is not None and record.prior == "ON":  # found, not written: anything else was read rightly
        record.prior = prior
    netsuite_id = act.session.get_one(Customer, hold.customer_id).netsuite_id
    row = unheld(act.session, netsuite_id)
    if row is not None:
        row.settled_at = row.ended_at = act.now
        row.outcome = DriftOutcome.ADOPTED
    act.note(hold.id, NetSuiteHoldAdopted(netsuite_id=netsuite_id, prior=prior, why=reason))


def adopted_prior(session: Session, hold_id: UUID) -> str | None:
    """Return the prior value that was given for an adopted hold; None where the hold was not adopted."""
    adoption = session.get(Adoption, hold_id)
    return adoption.prior if adoption else None


# --- what was seen around a record ------------------------------------------------------------------------------


def note_gaps(session: Session, gaps: dict[str, list[str]], now: datetime) -> None:
    """Keep what NetSuite would let through, or block, per NetSuite id."""
    for netsuite_id, texts in gaps.items():
        session.merge(NetSuiteReading(netsuite_id=netsuite_id, gaps=texts, read_at=now))


def gaps_of(session: Session, netsuite_id: str) -> list[str]:
    """Return what NetSuite would let through, or block, as last seen."""
    reading = session.get(NetSuiteReading, netsuite_id)
    return list(reading.gaps) if reading else []
