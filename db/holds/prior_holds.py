"""A customer's earlier holds: how long each held, and how it ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from credit.hold import PriorHold
from credit.states import HoldStatus, ProposalKind, ProposalStatus
from db.models import Hold, Proposal, ReleaseRequest


def of_customer(session: Session, customer_id: str, *, before: datetime, limit: int = 20) -> list[PriorHold]:
    """Return the customer's holds that came into force and were over by `before`, newest first."""
    requested = deciding_request().lateral("requested")
    query = (
        select(Hold, requested.c.cause, requested.c.reason)
        .outerjoin(requested, Hold.status == HoldStatus.RELEASED)
        .where(Hold.customer_id == customer_id, Hold.in_force_at.is_not(None), Hold.closed_at <= before)
        .order_by(Hold.closed_at.desc(), Hold.id)
        .limit(limit)
    )
    return [
        PriorHold(
            id=row.Hold.id,
            proposed_at=row.Hold.proposed_at,
            in_force_at=row.Hold.in_force_at,
            ended_at=row.Hold.closed_at,
            status=row.Hold.status,
            reason=row.Hold.reason,
            end_cause=row.cause,
            end_reason=row.reason,
        )
        for row in session.execute(query)
    ]


def deciding_request() -> Select[*tuple[Any, ...]]:
    """Build the request that first asked for the release which the enclosing query's hold got."""
    return (
        select(ReleaseRequest.cause, ReleaseRequest.reason)
        .join(Proposal, Proposal.id == ReleaseRequest.proposal_id)
        .where(
            ReleaseRequest.hold_id == Hold.id,
            Proposal.kind == ProposalKind.RELEASE,
            Proposal.status == ProposalStatus.APPROVED,
        )
        .order_by(Proposal.opened_at.desc(), ReleaseRequest.at, ReleaseRequest.id)
        .limit(1)
        .correlate(Hold)
    )
