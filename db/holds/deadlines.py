"""An undecided proposal in time: reminders, then escalation, then its due date. None of them decides anything.

Who is to be told is written to the outbox in the transaction of what became due.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from credit.audit_entries.holds import ApproversReminded, ProposalEscalated
from credit.policy import Policy
from credit.states import ProposalStatus
from db import audit, policies
from db.holds import holds, notifications
from db.models import Proposal

_SYSTEM_ACTOR = "service-holds"


def set_for(proposal: Proposal, policy: Policy, now: datetime) -> None:
    """Set when a new proposal is due, reminded of and escalated."""
    proposal.due_at = policy.deadline(now, policy.proposal_expires_after)
    proposal.remind_at = policy.deadline(now, policy.remind_after) if policy.remind_after else None
    proposal.escalate_at = policy.deadline(now, policy.escalate_after) if policy.escalate_after else None


def pass_by(session: Session, hold_id: UUID, now: datetime) -> None:
    """Do what has become due about a hold's open proposal; repeated, it does nothing more. One that is due expires."""
    hold = holds.lock(session, hold_id)
    proposal = holds.newest_proposal(session, hold_id)
    if proposal.status is not ProposalStatus.OPEN or now >= proposal.due_at:
        return
    _, policy = policies.current(session)
    if proposal.escalate_at is not None and now >= proposal.escalate_at:
        proposal.escalate_at, proposal.escalated_at, proposal.escalated_to = None, now, policy.escalation_group
        notifications.proposal_escalated(session, hold, proposal, policy.escalate_to, now=now)
        why = f"to {policy.escalation_group}"
        escalated = ProposalEscalated(proposal_id=proposal.id, revision=proposal.revision, why=why)
        audit.append(session, chain=hold.id, entry=escalated, actor=_SYSTEM_ACTOR, at=now)
    if proposal.remind_at is not None and now >= proposal.remind_at:
        notifications.proposal_reminded(session, hold, proposal, proposal.remind_at, now=now)
        proposal.remind_at = policy.deadline(now, policy.remind_after) if policy.remind_after else None
        reminded = ApproversReminded(proposal_id=proposal.id, revision=proposal.revision, why="")
        audit.append(session, chain=hold.id, entry=reminded, actor=_SYSTEM_ACTOR, at=now)
