"""Four eyes: who asked does not approve, and two approvals are two people's.

An absent person and who stands in for them are not two people, whichever of them comes first.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from credit.audit_entries.holds import ProposalApprovedFirst
from credit.facts import Facts
from credit.policy import Policy
from credit.triggers import TriggerKind
from db.act import Act
from db.errors import SecondApproverError, SelfApprovalError
from db.models import Approval, Hold, HoldTrigger, Proposal


@dataclass(frozen=True)
class FirstApproval:
    """The approval of one of two people: nothing is decided before the second one's."""

    hold_id: UUID
    actor: str


def bar_who_asked(act: Act, hold: Hold, policy: Policy, *, is_admin: bool) -> None:
    """Refuse who asked for the hold by hand, and who stands in for them.

    Raises:
        SelfApprovalError: so it is, and the policy bars it.
    """
    asked_by = barred_by(act, hold, policy, is_admin=is_admin)
    if asked_by is not None:
        raise SelfApprovalError(act.actor, asked_by)


def barred_by(act: Act, hold: Hold, policy: Policy, *, is_admin: bool) -> str | None:
    """Return who asked for the hold by hand, where that bars the actor from approving it.

    That is the actor, or somebody for whom they stand in; None where neither did, or the policy does not mind.
    """
    if not policy.bar_self_approval or is_admin:
        return None
    by_hand = select(HoldTrigger.actor).where(HoldTrigger.hold_id == hold.id, HoldTrigger.kind == TriggerKind.MANUAL)
    theirs = by_hand.where(HoldTrigger.actor.in_(act.people))
    return act.session.scalars(theirs.order_by(HoldTrigger.actor != act.actor).limit(1)).first()


def takes_two(proposal: Proposal, policy: Policy) -> bool:
    """Whether the amount asks for two people."""
    above = policy.second_approver_above
    return above is not None and Facts.model_validate(proposal.facts).total_open > above


def approved_before(act: Act, proposal: Proposal) -> bool:
    """Whether somebody else approved this revision.

    Raises:
        SecondApproverError: this actor did, or one of the two stands in for the other.
    """
    first = act.session.get(Approval, (proposal.id, proposal.revision))
    if first is not None and is_one_person(first, act):
        raise SecondApproverError(first.actor)
    return first is not None


def is_one_person(first: Approval, act: Act) -> bool:
    """Whether who approved first and who acts now are one, or one stands in for the other."""
    return bool(act.people & {first.actor, *first.on_behalf_of})


def approve_first(act: Act, proposal: Proposal, *, reason: str) -> FirstApproval:
    """Note the approval of the first of two people; the proposal stays open."""
    act.session.add(
        Approval(
            proposal_id=proposal.id,
            revision=proposal.revision,
            actor=act.actor,
            on_behalf_of=act.on_behalf_of,
            reason=reason,
            at=act.now,
        )
    )
    act.note(proposal.hold_id, ProposalApprovedFirst(revision=proposal.revision, why=reason))
    return FirstApproval(proposal.hold_id, act.actor)
