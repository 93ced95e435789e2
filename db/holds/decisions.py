"""Claim, decide, and obey the decision. The proposal's row, under its hold's lock, is the arbiter.

Why: docs/decisions/0005, docs/decisions/0008.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from credit.facts import Facts, weakening
from credit.notices import Cause, Occasion
from credit.states import HoldStatus, ProposalKind, ProposalStatus, Verdict
from db import audit, customers, netsuite, policies
from db.errors import (
    NothingToDecideError,
    StaleRevisionError,
    TooLateError,
)
from db.freight import accounting_profiles
from db.holds import (
    actions,
    beats,
    claims,
    drift,
    evidence,
    four_eyes,
    holds,
    notifications,
    proposals,
    releases,
)
from db.models import AutoDecision, Claim, Decision, Hold, Proposal

_DEFINITION = "service_hold_trigger"
NOBODY_DECIDED = "no decision with this id was made about this hold"

FirstApproval = four_eyes.FirstApproval


def claim(session: Session, hold: Hold, *, actor: str, now: datetime) -> tuple[Claim, Proposal]:
    """Claim a hold's open proposal for `actor`, or renew the claim `actor` has. One winner, whoever races.

    Raises:
        NothingToDecideError: there is no open proposal.
        ClaimedByAnotherError: somebody else's claim is live.
    """
    hold = holds.lock(session, hold.id)
    proposal = _open_proposal(session, hold)
    held, is_fresh = claims.take(session, proposal, actor=actor, now=now)
    if is_fresh:
        detail = {"revision": proposal.revision, "until": held.expires_at.isoformat()}
        audit.append(session, chain=hold.id, actor=actor, action="proposal_claimed", at=now, detail=detail)
    return held, proposal


def decide(
    session: Session,
    hold: Hold,
    *,
    claim_id: UUID,
    revision: int,
    verdict: Verdict,
    reason: str,
    actor: str,
    now: datetime,
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
        SelfApprovalError: the policy bars who asked for the hold; admins may.
        SecondApproverError: this actor approved this revision already.
    """
    hold = holds.lock(session, hold.id)
    proposal = _open_proposal(session, hold)
    held = claims.held_by(session, claim_id, proposal, actor=actor, now=now)
    if revision != proposal.revision:
        raise StaleRevisionError(revision, proposal.revision)
    evidence.check_seen(session, proposal, evidence_seen, actor=actor)
    _, policy = policies.current(session)
    acting = four_eyes.Acting.of(session, actor, now)
    if verdict is Verdict.APPROVE:
        four_eyes.bar_who_asked(session, hold, policy, acting, is_admin=is_admin)
        if four_eyes.takes_two(proposal, policy) and not four_eyes.approved_before(session, proposal, acting):
            held.released_at = now
            return four_eyes.approve_first(session, proposal, acting, reason=reason, now=now)
    return _write(
        session,
        hold,
        proposal,
        held,
        acting,
        verdict=verdict,
        reason=reason,
        keep_block=keep_block,
        now=now,
        effective_at=now + policy.approval_undo if verdict is Verdict.APPROVE else now,
    )


def approve_by_policy(session: Session, hold: Hold, *, name: str, reason: str, now: datetime) -> Decision:
    """Approve a hold's open proposal at once in the name of a policy; a person who was deciding finds it decided.

    Raises:
        NothingToDecideError: already settled.
    """
    hold = holds.lock(session, hold.id)
    proposal = _open_proposal(session, hold)
    held = claims.take_over(session, proposal, actor=name, now=now)
    acting = four_eyes.Acting.nobody_else(name)
    return _write(session, hold, proposal, held, acting, verdict=Verdict.APPROVE, reason=reason, now=now)


def _write(
    session: Session,
    hold: Hold,
    proposal: Proposal,
    held: Claim,
    acting: four_eyes.Acting,
    *,
    verdict: Verdict,
    reason: str,
    now: datetime,
    effective_at: datetime | None = None,
    keep_block: bool = True,
) -> Decision:
    """Settle the proposal: the claim ends with it, and the record says who decided and why."""
    status = ProposalStatus.APPROVED if verdict is Verdict.APPROVE else ProposalStatus.DECLINED
    proposals.settle(session, proposal, status, now)
    held.released_at = now
    decision = Decision(
        proposal_id=proposal.id,
        hold_id=hold.id,
        claim_id=held.id,
        revision=proposal.revision,
        verdict=verdict,
        keep_block=keep_block,
        reason=reason,
        actor=acting.actor,
        on_behalf_of=acting.on_behalf_of,
        decided_at=now,
        effective_at=effective_at or now,
    )
    session.add(decision)
    session.flush()
    detail = {
        "decision_id": str(decision.id),
        "revision": proposal.revision,
        "why": reason,
        "before": ProposalStatus.OPEN,
        "after": proposal.status,
        **acting.detail(),
        **({} if keep_block else {"keep_block": False}),
    }
    action = f"proposal_{proposal.status}"
    audit.append(session, chain=hold.id, actor=acting.actor, action=action, at=now, detail=detail)
    return decision


def undo(session: Session, hold: Hold, *, actor: str, reason: str, now: datetime) -> Proposal:
    """Take an approval back within the policy's time, before its beats start; what was proposed is open again.

    Raises:
        NothingToDecideError: no approval stands.
        TooLateError: the time is over, or the workflow has obeyed already.
    """
    hold = holds.lock(session, hold.id)
    proposal = holds.newest_proposal(session, hold.id)
    made = session.scalars(
        select(Decision).where(Decision.proposal_id == proposal.id, Decision.verdict == Verdict.APPROVE)
    ).one_or_none()
    if made is None:
        raise NothingToDecideError(hold.customer_id, "no approval stands that could be taken back")
    if made.outcome is not None or now >= made.effective_at:
        raise TooLateError(
            f"the approval took effect at {made.effective_at:%Y-%m-%d %H:%M:%S} UTC and cannot be taken back"
        )
    made.outcome, made.applied_at = "undone", now
    detail = {
        "decision_id": str(made.id),
        "revision": proposal.revision,
        "why": reason,
        "before": proposal.status,
        "after": ProposalStatus.OPEN,
        **four_eyes.Acting.of(session, actor, now).detail(),
    }
    audit.append(session, chain=hold.id, actor=actor, action="approval_undone", at=now, detail=detail)
    cause = Cause(proposal.asked_by, proposal.reason, Occasion.UNDONE, [f"{actor}: {reason}" if reason else actor])
    return proposals.propose(session, hold, proposal.kind, cause, revision=proposal.revision + 1, now=now)


def _open_proposal(session: Session, hold: Hold) -> Proposal:
    proposal = holds.newest_proposal(session, hold.id)
    if proposal.status is not ProposalStatus.OPEN:
        raise NothingToDecideError(hold.customer_id, f"it was {proposal.status} already, the hold is {hold.status}")
    return proposal


def settle(session: Session, *, hold_id: UUID, decision_id: UUID, now: datetime) -> Decision | None:
    """Obey a decision's row, once: approve, decline, or give a weakened case back (docs/decisions/0009).

    A decision id with no row of this hold behind it is refused and audited: None. While the decision can be taken back,
    it has no outcome yet. A repeated one gets the same answer.
    """
    hold = holds.lock(session, hold_id)
    decision = holds.decision(session, decision_id)
    if decision is None or decision.hold_id != hold_id:
        detail = {"signal": "decide", "decision_id": str(decision_id), "why": NOBODY_DECIDED}
        audit.append(session, chain=hold_id, actor="unknown", action="signal_refused", at=now, detail=detail)
        return None
    if decision.outcome is None and now >= decision.effective_at:
        decision.outcome = _obey(session, hold, decision, now)
        decision.applied_at = now
        proposal = session.get_one(Proposal, decision.proposal_id)
        actions.settle(session, hold.customer_id, proposal.kind, decision.outcome, now)
        if decision.outcome in ("approved", "declined"):
            notifications.proposal_decided(session, hold, proposal, decision, now=now)
    return decision


def _obey(session: Session, hold: Hold, decision: Decision, now: datetime) -> str:
    proposal = session.get_one(Proposal, decision.proposal_id)
    version, policy = policies.current(session)
    facts = proposals.read_facts(session, hold, policy, now)
    if proposal.kind is ProposalKind.REPAIR:
        return drift.obey(session, hold, decision, now)
    if proposal.kind is ProposalKind.RELEASE:
        _remember(session, hold, decision, facts, version)
        return _obey_release(session, hold, decision)
    if decision.verdict is Verdict.APPROVE:
        because = weakening(Facts.model_validate(proposal.facts), facts, policy)
        if because and proposal.returns_id is None:
            following = proposal.revision + 1
            cause = Cause(proposal.asked_by, proposal.reason, Occasion.WEAKENED, because)
            proposals.propose(session, hold, proposal.kind, cause, revision=following, now=now, returns=proposal)
            detail = {"why": "; ".join(because), "before": proposal.facts, "after": facts.model_dump(mode="json")}
            audit.append(session, chain=hold.id, actor="service-holds", action="case_weakened", at=now, detail=detail)
            return "returned"
    _remember(session, hold, decision, facts, version)
    if decision.verdict is Verdict.DECLINE:
        hold.status, hold.closed_at = HoldStatus.DECLINED, now
        if not decision.keep_block:
            accounting_profiles.lift_auto_applied(
                session, hold.customer_id, reason=decision.reason, actor=decision.actor, now=now
            )
        proposals.reflect(session, hold, "declined", f"declined by {decision.actor}: {decision.reason}", now)
        return "declined"
    hold.status = HoldStatus.APPLYING
    beats.plan(session, hold.id)
    customer = customers.get(session, hold.customer_id)
    netsuite.desire(session, customer.netsuite_id, hold.id, "ON", prior=drift.adopted_prior(session, hold.id))
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


def put_in_force(session: Session, *, hold_id: UUID, now: datetime) -> None:
    """Mark an applying hold as in force and write its reflexion row; a second call changes nothing."""
    hold = holds.lock(session, hold_id)
    if hold.status is HoldStatus.APPLYING:
        detail = {"before": hold.status, "after": HoldStatus.IN_FORCE}
        hold.status, hold.in_force_at = HoldStatus.IN_FORCE, now
        proposals.reflect(session, hold, "in_force", f"hold in force: {hold.reason}", now)
        audit.append(session, chain=hold_id, actor="service-holds", action="hold_in_force", at=now, detail=detail)


def undelivered(
    session: Session, *, now: datetime, resend_after: timedelta, limit: int = 100
) -> list[tuple[UUID, str]]:
    """Return (decision id, workflow id) of decisions not obeyed yet and not sent lately, longest waiting first."""
    before = now - resend_after
    query = (
        select(Decision.id, Hold.workflow_id)
        .join(Hold, Hold.id == Decision.hold_id)
        .where(Decision.applied_at.is_(None), Decision.effective_at < before)
        .where(or_(Decision.sent_at.is_(None), Decision.sent_at < before))
        .order_by(
            func.coalesce(Decision.sent_at, Decision.effective_at)
        )  # one that never arrives does not starve others
        .limit(limit)
    )
    return [(decision_id, workflow_id) for decision_id, workflow_id in session.execute(query)]


def note_sent(session: Session, decision_id: UUID, now: datetime) -> None:
    """Note that a decision's signal was just sent."""
    session.execute(update(Decision).where(Decision.id == decision_id).values(sent_at=now))
