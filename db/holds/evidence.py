"""What people have said about what is proposed: nobody decides past words that they were not shown."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from credit.states import ReleaseCause
from credit.triggers import TriggerKind
from db.errors import UnseenEvidenceError
from db.models import HoldTrigger, Proposal, ReleaseRequest


class Said(BaseModel):
    """One person's reason, for the hold or for its release."""

    actor: str
    reason: str
    at: datetime


def of(session: Session, proposal: Proposal) -> list[Said]:
    """Return the reasons that people gave for a hold, and for the release if that is proposed, the oldest first.

    Scans and other programs are not people: what they find is in the facts, and moves the revision where it matters.
    """
    asked = select(HoldTrigger.actor, HoldTrigger.reason, HoldTrigger.recorded_at.label("at"), HoldTrigger.id).where(
        HoldTrigger.hold_id == proposal.hold_id, HoldTrigger.kind == TriggerKind.MANUAL
    )
    release = select(ReleaseRequest.actor, ReleaseRequest.reason, ReleaseRequest.at, ReleaseRequest.id).where(
        ReleaseRequest.proposal_id == proposal.id, ReleaseRequest.cause == ReleaseCause.PERSON
    )
    rows = union_all(asked, release).subquery()
    found = session.execute(select(rows.c.actor, rows.c.reason, rows.c.at).order_by(rows.c.at, rows.c.id))
    return [Said(actor=actor, reason=reason, at=at) for actor, reason, at in found]


def count(session: Session, proposal: Proposal) -> int:
    """Return how many reasons people have given: what who decides names as seen."""
    return len(of(session, proposal))


def check_seen(session: Session, proposal: Proposal, seen: int | None, *, actor: str) -> None:
    """Refuse who has not been shown what others have said; None checks nothing.

    Raises:
        UnseenEvidenceError: somebody else has said something since.
    """
    if seen is not None:
        refuse_unseen(of(session, proposal), seen, actor=actor)


def refuse_unseen(said: Sequence[Said], seen: int | None, *, actor: str) -> None:
    """Do the same for what has been read already."""
    if seen is None:
        return
    unseen = [one for one in said[max(seen, 0) :] if one.actor != actor]
    if unseen:
        raise UnseenEvidenceError([one.model_dump(mode="json") for one in unseen], len(said))
