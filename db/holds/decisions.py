"""Claim, decide, and obey the decision. The proposal's row, under its hold's lock, is the arbiter.

Why: docs/decisions/0005, docs/decisions/0008.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from credit.actors import OwnActor
from credit.audit_entries.holds import (
    ApprovalUndone,
    CaseWeakened,
    HoldInForce,
    ProposalApproved,
    ProposalClaimed,
    ProposalDeclined,
)
from credit.audit_entries.system import SignalRefused
from credit.facts import Facts, weakening
from credit.notices import Cause, Occasion
from credit.states import HoldStatus, ProposalKind, ProposalStatus, Verdict
from db import customers, netsuite, outbox, policies
from db.act import Act
from db.errors import NothingToDecideError, StaleRevisionError, TooLateError
from db.freight import accounting_profiles
from db.holds import actions, beats, claims, drift, evidence, four_eyes, holds, notifications, proposals, releases
from db.models import AutoDecision, Claim, Decision, Hold, Proposal

_DEFINITION = "service_hold_trigger"
NOBODY_DECIDED = "no decision with this id was made about this hold"

FirstApproval = four_eyes.FirstApproval


def claim(act: Act, hold: Hold) -> tuple[Claim, Proposal]:
    """Claim a hold's open proposal for `actor`, or renew the claim `actor` has. One winner, whoever races.

    Raises:
        NothingToDecideError: there is no open proposal.
        ClaimedByAnotherError: somebody else's claim is live.
    """
    hold = holds.lock(act.session, hold.id)
    proposal = _open_proposal(act.session, hold)
    held, is_fresh = claims.take(act, proposal)
    if is_fresh:
        act.note(hold.id, ProposalClaimed(revision=proposal.revision, until=held.expires_at))
    return held, proposal


def decide(
    act: Act,
    hold: Hold,
    *,
    claim_id: UUID,
    revision: int,
    verdict: Verdict,
    reason: str,
    keep_block: bool = True,
    is_admin: bool = False,
    evidence_seen: int | None = None,
) -> Decision | FirstApproval:
    """Write the one decision of a hold's open proposal; it ends the claim in the same transaction.

    Where the amount asks for two people, the first approval is noted and the proposal stays open for the second.
    A decline lifts the block that auto-apply made, unless `keep_block`. `evidence_seen`: how many reasons of people
    the actor was shown; None where nobody counted.

    Raises:
        NothingToDecideError: already settled.
        ClaimLostError: the claim is not this proposal's, not this actor's, or over.
        StaleRevisionError: the proposal moved on since it was shown.
        UnseenEvidenceError: somebody else gave a reason since it was shown.
        SelfApprovalError: the policy bars who asked for what is proposed; admins may.
        SecondApproverError: this actor approved this revision already.
    """
    hold = holds.lock(act.session, hold.id)
    proposal = _open_proposal(act.session, hold)
    held = claims.held_by(act, claim_id, proposal)
    if revision != proposal.revision:
        raise StaleRevisionError(revision, proposal.revision)
    evidence.check_seen(act.session, proposal, evidence_seen, actor=act.actor)
    _, policy = policies.current(act.session)
    if verdict is Verdict.APPROVE:
        four_eyes.bar_who_asked(act, proposal, policy, is_admin=is_admin)
        if four_eyes.takes_two(proposal, policy) and not four_eyes.approved_before(act, proposal):
            held.released_at = act.now
            return four_eyes.approve_first(act, proposal, reason=reason)
    return _write(
        act,
        hold,
        proposal,
        held,
        verdict=verdict,
        reason=reason,
        keep_block=keep_block,
        effective_at=act.now + policy.approval_undo if verdict is Verdict.APPROVE else act.now,
    )


def approve_by_policy(act: Act, hold: Hold, *, reason: str) -> Decision:
    """Approve a hold's open proposal at once: the policy acts. A person who was deciding finds it decided.

    Raises:
        NothingToDecideError: already settled.
    """
    hold = holds.lock(act.session, hold.id)
    proposal = _open_proposal(act.session, hold)
    held = claims.take_over(act, proposal)
    return _write(act, hold, proposal, held, verdict=Verdict.APPROVE, reason=reason)


def _write(
    act: Act,
    hold: Hold,
    proposal: Proposal,
    held: Claim,
    *,
    verdict: Verdict,
    reason: str,
    effective_at: datetime | None = None,
    keep_block: bool = True,
) -> Decision:
    """Settle the proposal: the claim ends with it, and the record says who decided and why."""
    status = ProposalStatus.APPROVED if verdict is Verdict.APPROVE else ProposalStatus.DECLINED
    proposals.settle(act, proposal, status)
    held.released_at = act.now
    decision = Decision(
        proposal_id=proposal.id,
        hold_id=hold.id,
        claim_id=held.id,
        revision=proposal.revision,
        verdict=verdict,
        keep_block=keep_block,
        reason=reason,
        actor=act.actor,
        on_behalf_of=act.on_behalf_of,
        decided_at=act.now,
        effective_at=effective_at or act.now,
    )
    act.session.add(decision)
    act.session.flush()
    kind = ProposalApproved if verdict is Verdict.APPROVE else ProposalDeclined
    entry = kind(
        decision_id=decision.id,
        revision=proposal.revision,
        why=reason,
        before=ProposalStatus.OPEN,
        after=proposal.status,
        keep_block=keep_block,
    )
    act.note(hold.id, entry)
    return decision


def undo(act: Act, hold: Hold, *, reason: str) -> Proposal:
    """Take an approval back within the policy's time, before its beats start; what was proposed is open again.

    Raises:
        NothingToDecideError: no approval stands.
        TooLateError: the time is over, or the workflow has obeyed already.
    """
    hold = holds.lock(act.session, hold.id)
    proposal = holds.newest_proposal(act.session, hold.id)
    made = act.session.scalars(
        select(Decision).where(Decision.proposal_id == proposal.id, Decision.verdict == Verdict.APPROVE)
    ).one_or_none()
    if made is None:
        raise NothingToDecideError(hold.customer_id, "no approval stands that could be taken back")
    if made.outcome is not None or act.now >= made.effective_at:
        raise TooLateError(
            f"the approval took effect at {made.effective_at:%Y-%m-%d %H:%M:%S} UTC and cannot be taken back"
        )
    made.outcome, made.applied_at = "undone", act.now
    entry = ApprovalUndone(
        decision_id=made.id, revision=proposal.revision, why=reason, before=proposal.status, after=ProposalStatus.OPEN
    )
    act.note(hold.id, entry)
    cause = Cause(
        proposal.asked_by, proposal.reason, Occasion.UNDONE, [f"{act.actor}: {reason}" if reason else act.actor]
    )
    return proposals.propose(act, hold, proposal.kind, cause, revision=proposal.revision + 1)


def _open_proposal(session: Session, hold: Hold) -> Proposal:
    proposal = holds.newest_proposal(session, hold.id)
    if proposal.status is not ProposalStatus.OPEN:
        raise NothingToDecideError(hold.customer_id, f"it was {proposal.status} already, the hold is {hold.status}")
    return proposal


def settle(act: Act, *, hold_id: UUID, decision_id: UUID) -> Decision | None:
    """Obey a decision's row, once: approve, decline, or give a weakened case back (docs/decisions/0009).

    A decision id with no row of this hold behind it is refused and audited: None. While the decision can be taken back,
    it has no outcome yet (`left`). A repeated one gets the same answer.
    """
    hold = holds.lock(act.session, hold_id)
    decision = holds.decision(act.session, decision_id)
    if decision is None or decision.hold_id != hold_id:
        entry = SignalRefused(signal="decide", decision_id=str(decision_id), why=NOBODY_DECIDED)
        act.by(OwnActor.UNKNOWN).note(hold_id, entry)
        return None
    if decision.heard_at is None and decision.effective_at > decision.decided_at:
        decision.heard_at = act.now
    if decision.outcome is None and left(decision, act.now) <= timedelta(0):
        proposal = holds.proposal(act.session, decision.proposal_id)
        decision.outcome = _obey(act, hold, proposal, decision)
        decision.applied_at = act.now
        actions.settle(act, hold.customer_id, proposal.kind, decision.outcome)
        if decision.outcome in ("approved", "declined"):
            notifications.proposal_decided(act, hold, proposal, decision)
    return decision


def left(decision: Decision, now: datetime) -> timedelta:
    """Return how much longer the decision can be taken back, at the workflow's `now`; nothing or less for no longer.

    Two clocks are never compared: the span that who decided was given counts from when the workflow heard of it.
    """
    waited = now - decision.heard_at if decision.heard_at else timedelta(0)
    return decision.effective_at - decision.decided_at - waited


def _obey(act: Act, hold: Hold, proposal: Proposal, decision: Decision) -> str:
    version, policy = policies.current(act.session)
    facts = proposals.read_facts(act.session, hold, policy, act.now)
    if proposal.kind is ProposalKind.REPAIR:
        return drift.obey(act, hold, decision)
    if proposal.kind is ProposalKind.RELEASE:
        _remember(act.session, hold, decision, facts, version)
        return _obey_release(act.session, hold, decision)
    if decision.verdict is Verdict.APPROVE:
        because = weakening(Facts.model_validate(proposal.facts), facts, policy)
        if because and proposal.returns_id is None:
            following = proposal.revision + 1
            cause = Cause(proposal.asked_by, proposal.reason, Occasion.WEAKENED, because)
            proposals.propose(act, hold, proposal.kind, cause, revision=following, returns=proposal)
            after = facts.model_dump(mode="json")
            act.by_system.note(hold.id, CaseWeakened(why="; ".join(because), before=proposal.facts, after=after))
            return "returned"
    _remember(act.session, hold, decision, facts, version)
    if decision.verdict is Verdict.DECLINE:
        hold.status, hold.closed_at = HoldStatus.DECLINED, act.now
        if not decision.keep_block:
            accounting_profiles.lift_auto_applied(act.by(decision.actor), hold.customer_id, reason=decision.reason)
        proposals.reflect(act, hold, "declined", f"declined by {decision.actor}: {decision.reason}")
        return "declined"
    hold.status = HoldStatus.APPLYING
    beats.plan(act.session, hold.id)
    customer = customers.get(act.session, hold.customer_id)
    netsuite.desire(act.session, customer.netsuite_id, hold.id, "ON", prior=drift.adopted_prior(act.session, hold.id))
    return "approved"


def _obey_release(session: Session, hold: Hold, decision: Decision) -> str:
    if decision.verdict is Verdict.DECLINE:
        return "declined"
    releases.begin(session, hold)
    return "approved"


def _remember(session: Session, hold: Hold, decision: Decision, facts: Facts, policy_version: int) -> None:
    session.add(
        AutoDecision(
            workflow_type=_DEFINITION,
            customer_id=hold.customer_id,
            hold_id=hold.id,
            decision_id=decision.id,
            verdict=decision.verdict,
            reason=decision.reason,
            decided_by=decision.actor,
            decided_at=decision.decided_at,
            facts=facts.model_dump(mode="json"),
            policy_version=policy_version,
        )
    )


def put_in_force(act: Act, *, hold_id: UUID) -> None:
    """Mark an applying hold as in force and write its reflexion row; a second call changes nothing."""
    hold = holds.lock(act.session, hold_id)
    if hold.status is HoldStatus.APPLYING:
        entry = HoldInForce(before=hold.status, after=HoldStatus.IN_FORCE)
        hold.status, hold.in_force_at = HoldStatus.IN_FORCE, act.now
        proposals.reflect(act, hold, "in_force", f"hold in force: {hold.reason}")
        act.by_system.note(hold_id, entry)


class Undelivered(NamedTuple):
    """A decision that its workflow has not obeyed."""

    id: UUID
    workflow_id: str


def undelivered(session: Session, *, now: datetime, resend_after: timedelta) -> list[Undelivered]:
    """Return decisions not obeyed yet and not sent lately, longest waiting first."""
    waiting = select(Decision.id, Hold.workflow_id).join(Hold, Hold.id == Decision.hold_id)
    query = outbox.due(
        waiting.where(Decision.applied_at.is_(None), Hold.closed_at.is_(None)),
        written=Decision.effective_at,
        tried=Decision.sent_at,
        now=now,
        resend_after=resend_after,
    )
    return [Undelivered(*row) for row in session.execute(query)]


def note_sent(session: Session, decision_id: UUID, now: datetime) -> None:
    """Note that a decision's signal was just sent."""
    session.execute(update(Decision).where(Decision.id == decision_id).values(sent_at=now))
