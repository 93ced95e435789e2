"""A person's exclusive, leased right to decide something: a proposal or a message (service-hold spec, R560).

Whoever calls has locked the proposal's hold or the message first, so that one of two who race comes second.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import policies
from db.act import Act
from db.errors import ClaimedByAnotherError, ClaimLostError
from db.models import Claim, Message, Proposal


def take(act: Act, of: Proposal | Message) -> tuple[Claim, bool]:
    """Return `actor`'s claim, leased anew, and whether it is a fresh one.

    Raises:
        ClaimedByAnotherError: somebody else's claim is live.
    """
    held = _unreleased(act.session, of)
    if held is not None and held.expires_at > act.now:
        _refuse_another(held, act.actor)
        held.expires_at = act.now + policies.current(act.session)[1].claim_lease
        return held, False
    return _claim(act, of, held), True


def take_over(act: Act, of: Proposal | Message) -> Claim:
    """Return a fresh claim of `actor`'s; whoever had one has it no more."""
    return _claim(act, of, _unreleased(act.session, of))


def _claim(act: Act, of: Proposal | Message, held: Claim | None) -> Claim:
    if held is not None:
        held.released_at = act.now
        act.session.flush()
    expires_at = act.now + policies.current(act.session)[1].claim_lease
    fresh = Claim(**{_key(of): of.id}, holder=act.actor, claimed_at=act.now, expires_at=expires_at)
    act.session.add(fresh)
    act.session.flush()
    return fresh


def refuse_if_anothers(act: Act, of: Proposal | Message) -> None:
    """Refuse where somebody else is deciding this right now.

    Raises:
        ClaimedByAnotherError: so it is.
    """
    held = _unreleased(act.session, of)
    if held is not None and held.expires_at > act.now:
        _refuse_another(held, act.actor)


def held_by(act: Act, claim_id: UUID, of: Proposal | Message) -> Claim:
    """Return the claim that entitles `actor` to decide this, locked.

    Raises:
        ClaimLostError: it is not a claim on this, not the actor's, or over.
    """
    held = act.session.get(Claim, claim_id, with_for_update=True, populate_existing=True)
    if held is None or getattr(held, _key(of)) != of.id:
        raise ClaimLostError(f"it is not a claim on this {'proposal' if isinstance(of, Proposal) else 'message'}")
    if held.holder != act.actor:
        raise ClaimLostError(f"it is {held.holder}'s")
    if held.released_at is not None or held.expires_at <= act.now:
        raise ClaimLostError("its lease has ended")
    return held


def release(act: Act, claim_id: UUID) -> None:
    """End `actor`'s claim undecided; does nothing where it has ended or is somebody else's."""
    held = act.session.get(Claim, claim_id, with_for_update=True)
    if held is not None and held.holder == act.actor and held.released_at is None:
        held.released_at = act.now


def _key(of: Proposal | Message) -> str:
    return "proposal_id" if isinstance(of, Proposal) else "message_id"


def _unreleased(session: Session, of: Proposal | Message) -> Claim | None:
    query = select(Claim).where(getattr(Claim, _key(of)) == of.id, Claim.released_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def _refuse_another(held: Claim, actor: str) -> None:
    if held.holder != actor:
        raise ClaimedByAnotherError(held.holder, held.expires_at)
