"""What a file of many customers meets: where each stands, and which of its lines were carried out before."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.states import OPEN_HOLD, HoldStatus, ProposalStatus
from db import policies
from db.holds import holds
from db.models import Customer, Hold, HoldTrigger, ReleaseRequest
from db.receivables import receivables


@dataclass(frozen=True)
class Standing:
    """One customer and its open hold, if any."""

    customer_name: str
    total_open: Decimal
    hold_id: UUID | None
    hold_status: HoldStatus | None
    undecided: bool
    """Whether something about the open hold waits for an approver."""


def standings(session: Session, customer_ids: Collection[str], now: datetime) -> dict[str, Standing]:
    """Return where each of these customers stands, by a few set-based queries; unknown ones are left out."""
    _, policy = policies.current(session)
    facts = receivables.read_many(session, customer_ids, now.date(), policy)
    names = session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(customer_ids)))
    is_open = select(Hold).where(Hold.customer_id.in_(customer_ids), Hold.status.in_(OPEN_HOLD))
    found = {hold.customer_id: hold for hold in session.scalars(is_open)}
    proposals = holds.newest_proposals(session, [hold.id for hold in found.values()])
    return {
        customer_id: Standing(
            customer_name=name,
            total_open=facts[customer_id].total_open,
            hold_id=hold.id if hold else None,
            hold_status=hold.status if hold else None,
            undecided=hold is not None and proposals[hold.id].status is ProposalStatus.OPEN,
        )
        for customer_id, name in names
        for hold in (found.get(customer_id),)
    }


def known_triggers(session: Session, trigger_ids: Collection[str]) -> dict[str, UUID | None]:
    """Return trigger id -> hold, for the triggers that arrived already."""
    query = select(HoldTrigger.id, HoldTrigger.hold_id).where(HoldTrigger.id.in_(trigger_ids))
    return {row.id: row.hold_id for row in session.execute(query)}


def known_requests(session: Session, request_ids: Collection[str]) -> dict[str, UUID | None]:
    """Return request id -> hold, for the requests to release that arrived already."""
    query = select(ReleaseRequest.id, ReleaseRequest.hold_id).where(ReleaseRequest.id.in_(request_ids))
    return {row.id: row.hold_id for row in session.execute(query)}


def opened_its_proposal(session: Session, request_id: str) -> bool:
    """Whether a request to release opened its proposal, or joined one that others had asked for."""
    mine = session.get_one(ReleaseRequest, request_id)
    query = select(ReleaseRequest.id).where(ReleaseRequest.proposal_id == mine.proposal_id)
    return session.scalars(query.order_by(ReleaseRequest.at, ReleaseRequest.id).limit(1)).first() == request_id
