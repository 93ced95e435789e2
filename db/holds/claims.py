"""A person's exclusive, leased right to decide something: a proposal or a message (service-hold spec, R560).

Whoever calls has locked the proposal's hold or the message first, so that one of two who race comes second.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import policies
from db.errors import ClaimedByAnotherError, ClaimLostError
from db.models import Claim, Message, Proposal


def take(session: Session, of: Proposal | Message, *, actor: str, now: datetime) -> tuple[Claim, bool]:
    """Return `actor`'s claim, leased anew, and whether it is a fresh one.

    Raises:
        ClaimedByAnotherError: somebody else's claim is live.
    """
    held = _unreleased(session, of)
    if held is not None and held.expires_at > now:
        _refuse_another(held, actor)
        held.expires_at = now + policies.current(session)[1].claim_lease
        return held, False
    return take_over(session, of, actor=actor, now=now), True


def take_over(session: Session, of: Proposal | Message, *, actor: str, now: datetime) -> Claim:
    """Return a fresh claim of `actor`'s; whoever had one has it no more."""
    held = _unreleased(session, of)
    if held is not None:
        held.released_at = now
        session.flush()
    expires_at = now + policies.current(session)[1].claim_lease
    fresh = Claim(**{_key(of): of.id}, holder=actor, claimed_at=now, expires_at=expires_at)
    session.add(fresh)
    session.flush()
    return fresh


def refuse_if_anothers(session: Session, of: Proposal | Message, *, actor: str, now: datetime) -> None:
    """Refuse where somebody else is deciding this right now.

    Raises:
        ClaimedByAnotherError: so it is.
    """
    held = _unreleased(session, of)
    if held is not None and held.expires_at > now:
        _refuse_another(held, actor)


def held_by(session: Session, claim_id: UUID, of: Proposal | Message, *, actor: str, now: datetime) -> Claim:
    """Return the claim that entitles `actor` to decide this, locked.

    Raises:
        ClaimLostError: it is not a claim on this, not the actor's, or over.
    """
    held = session.get(Claim, claim_id, with_for_update=True, populate_existing=True)
    if held is None or getattr(held, _key(of)) != of.id:
        raise ClaimLostError(f"it is not a claim on this {'proposal' if isinstance(of, Proposal) else 'message'}")
    if held.holder != actor:
        raise ClaimLostError(f"it is {held.holder}'s")
    if held.released_at is not None or held.expires_at <= now:
        raise ClaimLostError("its lease has ended")
    return held


def release(session: Session, claim_id: UUID, *, actor: str, now: datetime) -> None:
    """End `actor`'s claim undecided; does nothing where it has ended or is somebody else's."""
    held = session.get(Claim, claim_id, with_for_update=True)
    if held is not None and held.holder == actor and held.released_at is None:
        held.released_at = now


def _key(of: Proposal | Message) -> str:
    return "proposal_id" if isinstance(of, Proposal) else "message_id"


def _unreleased(session: Session, of: Proposal | Message) -> Claim | None:
    query = select(Claim).where(getattr(Claim, _key(of)) == of.id, Claim.released_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def _refuse_another(held: Claim, actor: str) -> None:
    if held.holder != actor:
        raise ClaimedByAnotherError(held.holder, held.expires_at)
