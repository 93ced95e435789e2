"""What the page of a hold shows beside the hold's own rows: what was asked, decided, and seen in NetSuite."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Decision, NetSuiteDrift, Proposal, ReleaseRequest


def decision_of(session: Session, proposal_id: UUID) -> Decision | None:
    query = select(Decision).where(Decision.proposal_id == proposal_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def proposal_before(session: Session, proposal: Proposal) -> Proposal | None:
    """Return the hold's newest earlier proposal of the same kind."""
    query = select(Proposal).where(
        Proposal.hold_id == proposal.hold_id, Proposal.kind == proposal.kind, Proposal.revision < proposal.revision
    )
    return session.scalars(query.order_by(Proposal.revision.desc()).limit(1)).one_or_none()


def release_requests(session: Session, proposal_id: UUID) -> Sequence[ReleaseRequest]:
    """Return who or what asked for a release, the first one first."""
    query = select(ReleaseRequest).where(ReleaseRequest.proposal_id == proposal_id)
    return session.scalars(query.order_by(ReleaseRequest.at, ReleaseRequest.id)).all()


def standing_drift(session: Session, hold_id: UUID) -> NetSuiteDrift | None:
    """Return what NetSuite says differently of a hold's record, for as long as it does."""
    query = select(NetSuiteDrift).where(NetSuiteDrift.hold_id == hold_id, NetSuiteDrift.ended_at.is_(None))
    return session.scalars(query).one_or_none()
