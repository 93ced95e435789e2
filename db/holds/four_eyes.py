"""Four eyes: who asked does not approve, and two approvals are two people's.

An absent person and who stands in for them are not two people, whichever of them comes first.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.permissions import LEAST_ROLE, Permission
from credit.policy import Policy
from credit.triggers import TriggerKind
from db import audit
from db.errors import SecondApproverError, SelfApprovalError
from db.models import Approval, Hold, HoldTrigger, Proposal
from db.people import absences


@dataclass(frozen=True)
class FirstApproval:
    """The approval of one of two people: nothing is decided before the second one's."""

    hold_id: UUID
    actor: str


@dataclass(frozen=True)
class Acting:
    """Who decides, and for whom: four eyes want people who do not stand in for one another."""

    actor: str
    absent: frozenset[str]
    """Everybody for whom the actor stands in."""
    on_behalf_of: list[str]
    """Those of them who may decide."""

    @classmethod
    def of(cls, session: Session, actor: str, now: datetime) -> Self:
        """Return the actor with whom they stand in for at this moment."""
        roles = absences.represented(session, actor, now)
        deciders = [login for login, role in roles.items() if role >= LEAST_ROLE[Permission.DECIDE]]
        return cls(actor, frozenset(roles), deciders)

    @classmethod
    def nobody_else(cls, actor: str) -> Self:
        """Return who stands in for nobody: a policy, for one."""
        return cls(actor, frozenset(), [])

    @property
    def people(self) -> frozenset[str]:
        """Everybody who is one person with the actor."""
        return self.absent | {self.actor}

    def detail(self) -> dict[str, list[str]]:
        """Return what an audit row says of it; nothing where the actor stands in for nobody who decides."""
        return {"on_behalf_of": self.on_behalf_of} if self.on_behalf_of else {}


def bar_who_asked(session: Session, hold: Hold, policy: Policy, acting: Acting, *, is_admin: bool) -> None:
    """Refuse who asked for the hold by hand, and who stands in for them.

    Raises:
        SelfApprovalError: so it is, and the policy bars it.
    """
    asked_by = barred_by(session, hold, policy, acting, is_admin=is_admin)
    if asked_by is not None:
        raise SelfApprovalError(acting.actor, asked_by)


def barred_by(session: Session, hold: Hold, policy: Policy, acting: Acting, *, is_admin: bool) -> str | None:
    """Return who asked for the hold by hand, where that bars the actor from approving it.

    That is the actor, or somebody for whom they stand in; None where neither did, or the policy does not mind.
    """
    if not policy.bar_self_approval or is_admin:
        return None
    by_hand = select(HoldTrigger.actor).where(HoldTrigger.hold_id == hold.id, HoldTrigger.kind == TriggerKind.MANUAL)
    theirs = by_hand.where(HoldTrigger.actor.in_(acting.people))
    return session.scalars(theirs.order_by(HoldTrigger.actor != acting.actor).limit(1)).first()


def takes_two(proposal: Proposal, policy: Policy) -> bool:
    """Whether the amount asks for two people."""
    above = policy.second_approver_above
    return above is not None and Facts.model_validate(proposal.facts).total_open > above


def approved_before(session: Session, proposal: Proposal, acting: Acting) -> bool:
    """Whether somebody else approved this revision.

    Raises:
        SecondApproverError: this actor did, or one of the two stands in for the other.
    """
    first = session.get(Approval, (proposal.id, proposal.revision))
    if first is not None and is_one_person(first, acting):
        raise SecondApproverError(first.actor)
    return first is not None


def is_one_person(first: Approval, acting: Acting) -> bool:
    """Whether who approved first and who acts now are one, or one stands in for the other."""
    return bool(acting.people & {first.actor, *first.on_behalf_of})


def approve_first(session: Session, proposal: Proposal, acting: Acting, *, reason: str, now: datetime) -> FirstApproval:
    """Note the approval of the first of two people; the proposal stays open."""
    actor = acting.actor
    session.add(
        Approval(
            proposal_id=proposal.id,
            revision=proposal.revision,
            actor=actor,
            on_behalf_of=acting.on_behalf_of,
            reason=reason,
            at=now,
        )
    )
    detail = {"revision": proposal.revision, "why": reason, **acting.detail()}
    audit.append(session, chain=proposal.hold_id, actor=actor, action="proposal_approved_first", at=now, detail=detail)
    return FirstApproval(proposal.hold_id, actor)
