"""The way out of a hold: who asked for it, what is proposed, and the rows that take the hold back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from credit.audit_entries.holds import (
    CustomerUnflagged,
    HoldReleased,
    ReleaseRefused,
    ReleaseRequested,
    ReleaseWithdrawn,
)
from credit.hold import HoldView
from credit.notices import Cause
from credit.states import (
    PLACING,
    RELEASING,
    Beat,
    BeatStatus,
    HoldStatus,
    ProposalKind,
    ProposalStatus,
    ReleaseCause,
)
from credit.wording import counted
from db import customers, netsuite
from db.act import Act
from db.freight import accounting_profiles
from db.holds import actions, beats, drift, holds, notifications, proposals
from db.models import Decision, Hold, HoldBeat, Proposal, ReleaseRequest

_RELEASED = "the hold was released first"


def request(
    act: Act, hold_id: UUID, request_id: str, cause: ReleaseCause, reason: str, *, asked_at: datetime | None = None
) -> HoldView:
    """Propose to release a hold, or add the reason to the proposal that is open. Repeated, it changes nothing.

    `asked_at`: when, where that was before now.
    """
    hold = holds.lock(act.session, hold_id)
    if act.session.get(ReleaseRequest, request_id) is not None:
        return holds.view(act.session, hold_id)
    proposal, refusal = _propose(act, hold, Cause(act.actor, reason))
    act.session.add(
        ReleaseRequest(
            id=request_id,
            hold_id=hold_id,
            proposal_id=proposal.id if proposal else None,
            cause=cause,
            reason=reason,
            actor=act.actor,
            at=asked_at or act.now,
            refusal=refusal,
        )
    )
    kind = ReleaseRefused if refusal else ReleaseRequested
    act.note(hold_id, kind(cause=cause, why=f"{reason} ({refusal})" if refusal else reason))
    return holds.view(act.session, hold_id)


def _propose(act: Act, hold: Hold, cause: Cause) -> tuple[Proposal | None, str | None]:
    newest = holds.newest_proposal(act.session, hold.id)
    if hold.status not in (HoldStatus.APPLYING, HoldStatus.IN_FORCE):
        return None, f"the hold is {hold.status}: only one that was approved can be released"
    if newest.status is ProposalStatus.OPEN and newest.kind is not ProposalKind.REPAIR:
        return newest, None
    if newest.status is ProposalStatus.APPROVED and newest.kind is ProposalKind.RELEASE:
        return newest, None  # approved, and not carried out yet: it can still be taken back
    drift.withdraw_repair(act, hold, "a release was asked for")
    following = newest.revision + 1
    return proposals.propose(act, hold, ProposalKind.RELEASE, cause, revision=following), None


def withdraw(act: Act, hold: Hold, proposal: Proposal, why: str) -> None:
    """Withdraw a hold's open release; what was advised with it is dismissed."""
    proposals.settle(act, proposal, ProposalStatus.WITHDRAWN)
    actions.settle(act, hold.customer_id, ProposalKind.RELEASE, "declined")
    act.by_system.note(hold.id, ReleaseWithdrawn(why=why))
    act.session.flush()


def outcome(session: Session, request_id: str) -> ReleaseRequest | None:
    """Return what became of a request; None while it has not arrived."""
    return session.get(ReleaseRequest, request_id)


def begin(session: Session, hold: Hold) -> None:
    """Turn an approved release into rows: unfinished beats of the hold are over, those of the release are pending."""
    for row in session.scalars(select(HoldBeat).where(HoldBeat.hold_id == hold.id, HoldBeat.beat.in_(PLACING))):
        if row.status is not BeatStatus.DONE:
            beats.skip(session, hold.id, row.beat, _RELEASED)
    hold.status = HoldStatus.RELEASING
    beats.plan(session, hold.id, RELEASING)
    netsuite.desire_prior(session, hold.id)


def unflag(act: Act, hold: Hold) -> None:
    """Take beat 1 back: the hold's block, and the flag that order forms read. Other blocks stay."""
    _lift_block(act, hold)
    before, after = _restore_entitystatus(act.session, hold, act.now)
    act.note(hold.id, CustomerUnflagged(before=before, after=after))


def _restore_entitystatus(session: Session, hold: Hold, at: datetime) -> tuple[str, str]:
    """Give the customer the status back that beat 1 found; return before and after."""
    prior = hold.prior_entitystatus
    if prior is None:  # beat 1 never ran: there is nothing to take back
        now = customers.get(session, hold.customer_id).entitystatus
        return now, now
    return customers.restore_entitystatus(session, hold.customer_id, prior, at), prior


def _lift_block(act: Act, hold: Hold) -> None:
    """End the hold's entry on the Credit Hold page, in the name of who approved the release; others stay."""
    newest = select(Decision).join(Proposal, Proposal.id == Decision.proposal_id)
    approved = newest.where(Proposal.hold_id == hold.id, Proposal.kind == ProposalKind.RELEASE)
    by = act.session.scalars(approved.where(Decision.outcome == "approved").order_by(Proposal.revision.desc())).first()
    lifts, reason = (act.by(by.actor), by.reason) if by else (act.by_system, "the hold was released")
    accounting_profiles.lift_for_hold(lifts, hold, reason=reason)


def finish(act: Act, hold_id: UUID) -> None:
    """Close a hold whose release is carried out, and leave none of its blocks; a second call changes nothing."""
    hold = holds.lock(act.session, hold_id)
    if hold.status is not HoldStatus.RELEASING:
        return
    if beats.lock(act.session, hold_id, Beat.UNFLAG_CUSTOMER).status is BeatStatus.SKIPPED:
        unflag(act.by_system, hold)  # left out by somebody: a hold leaves none of its marks
    overtaken = update(Decision).where(Decision.hold_id == hold.id, Decision.outcome.is_(None))
    act.session.execute(overtaken.values(outcome="overtaken", applied_at=act.now))
    hold.status, hold.closed_at = HoldStatus.RELEASED, act.now
    proposals.reflect(act, hold, "released", f"released after {_held(hold, act.now)}: {hold.reason}")
    entry = HoldReleased(held_seconds=int((act.now - (hold.in_force_at or hold.proposed_at)).total_seconds()))
    act.by_system.note(hold_id, entry)
    notifications.hold_released(act, hold)


def _held(hold: Hold, now: datetime) -> str:
    days = (now - (hold.in_force_at or hold.proposed_at)).days
    return counted(days, "day")
