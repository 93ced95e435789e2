"""Four eyes: who asked does not approve, and two approvals are two people's.

An absent person and who stands in for them are not two people, whichever of them comes first.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.audit_entries.holds import ProposalApprovedFirst
from credit.facts import Facts
from credit.policy import Policy
from credit.states import ProposalKind, ReleaseCause
from credit.triggers import TriggerKind
from db.act import Act
from db.errors import SecondApproverError, SelfApprovalError
from db.models import Approval, HoldTrigger, Proposal, ReleaseRequest


@dataclass(frozen=True)
class FirstApproval:
    """The approval of one of two people: nothing is decided before the second one's."""

    hold_id: UUID
    actor: str


def bar_who_asked(act: Act, proposal: Proposal, policy: Policy, *, is_admin: bool) -> None:
    """Refuse who asked for what is proposed, and who stands in for them.

    Raises:
        SelfApprovalError: so it is, and the policy bars it.
    """
    asked_by = barred_by(act, proposal, policy, is_admin=is_admin)
    if asked_by is not None:
        raise SelfApprovalError(act.actor, asked_by, proposal.kind)


def barred_by(act: Act, proposal: Proposal, policy: Policy, *, is_admin: bool) -> str | None:
    """Return who asked for the hold by hand, or for its release, where that bars the actor from approving it.

    That is the actor, or somebody for whom they stand in; None where neither did, or the policy does not mind.
    """
    if not policy.bar_self_approval or is_admin:
        return None
    asked = _who_asked(act.session, proposal) & act.people
    return act.actor if act.actor in asked else min(asked, default=None)


def _who_asked(session: Session, proposal: Proposal) -> set[str]:
    if proposal.kind is ProposalKind.PLACE:
        by_hand = (HoldTrigger.hold_id == proposal.hold_id, HoldTrigger.kind == TriggerKind.MANUAL)
        return set(session.scalars(select(HoldTrigger.actor).where(*by_hand)))
    added = (ReleaseRequest.proposal_id == proposal.id, ReleaseRequest.cause == ReleaseCause.PERSON)
    first = {proposal.asked_by} if proposal.asked_by else set()  # its request may be an earlier proposal's, taken back
    return first | set(session.scalars(select(ReleaseRequest.actor).where(*added)))


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
