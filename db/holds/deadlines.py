"""An undecided proposal in time: reminders, then escalation, then its due date. None of them decides anything.

Who is to be told is written to the outbox in the transaction of what became due.
"""

from datetime import datetime
from uuid import UUID

from credit.audit_entries.holds import ApproversReminded, ProposalEscalated
from credit.policy import Policy
from credit.states import ProposalStatus
from db import policies
from db.act import Act
from db.holds import holds, notifications
from db.models import Proposal


def set_for(proposal: Proposal, policy: Policy, now: datetime) -> None:
    """Set when a new proposal is due, reminded of and escalated."""
    proposal.due_at = policy.deadline(now, policy.proposal_expires_after)
    proposal.remind_at = policy.deadline(now, policy.remind_after) if policy.remind_after else None
    proposal.escalate_at = policy.deadline(now, policy.escalate_after) if policy.escalate_after else None


def pass_by(act: Act, hold_id: UUID) -> None:
    """Do what has become due about a hold's open proposal; repeated, it does nothing more. One that is due expires."""
    hold = holds.lock(act.session, hold_id)
    proposal = holds.newest_proposal(act.session, hold_id)
    if proposal.status is not ProposalStatus.OPEN or act.now >= proposal.due_at:
        return
    _, policy = policies.current(act.session)
    if proposal.escalate_at is not None and act.now >= proposal.escalate_at:
        proposal.escalate_at, proposal.escalated_at, proposal.escalated_to = None, act.now, policy.escalation_group
        notifications.proposal_escalated(act, hold, proposal, policy.escalate_to)
        why = f"to {policy.escalation_group}"
        escalated = ProposalEscalated(proposal_id=proposal.id, revision=proposal.revision, why=why)
        act.by_system.note(hold.id, escalated)
    if proposal.remind_at is not None and act.now >= proposal.remind_at:
        notifications.proposal_reminded(act, hold, proposal, proposal.remind_at)
        proposal.remind_at = policy.deadline(act.now, policy.remind_after) if policy.remind_after else None
        reminded = ApproversReminded(proposal_id=proposal.id, revision=proposal.revision, why="")
        act.by_system.note(hold.id, reminded)
