"""Finding holds and reading them whole."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on
from sqlalchemy.orm import Session, joinedload, selectinload

from credit.facts import Facts
from credit.hold import HoldView
from credit.states import OPEN_HOLD, HoldStatus, ProposalStatus
from credit.triggers import TriggerKind
from db import transaction_memory
from db.errors import UnknownHoldError
from db.models import Approval, Claim, Customer, Decision, Hold, HoldBeat, HoldTrigger, Proposal
from db.transaction_memory import PROPOSALS


def lock(session: Session, hold_id: UUID) -> Hold:
    """Return a hold's row, locked: every change of a hold or its proposals takes this lock first."""
    row = transaction_memory.locked(session, Hold, hold_id)
    if row is None:
        raise UnknownHoldError(str(hold_id))
    return row


def open_of(session: Session, customer_id: str) -> Hold | None:
    """Return the customer's open hold, locked; None where there is none."""
    query = select(Hold).where(Hold.customer_id == customer_id, Hold.status.in_(OPEN_HOLD)).with_for_update()
    hold = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if hold is not None:
        transaction_memory.is_locked(session, hold, hold.id)
    return hold


def find(session: Session, name: str) -> Hold:
    """Return the hold with this id, or this customer's open or else newest one, whole.

    Raises:
        UnknownHoldError: nothing matches.
    """
    return _named(session, name, _whole())


def named(session: Session, name: str) -> Hold:
    """Return the same hold as `find`, without its customer, beats and triggers: for who changes something about it.

    Raises:
        UnknownHoldError: nothing matches.
    """
    return _named(session, name, select(Hold))


def _named(session: Session, name: str, query: Select[Hold]) -> Hold:
    try:
        query = query.where(Hold.id == UUID(name))
    except ValueError:
        is_open = Hold.status.in_(OPEN_HOLD)
        query = query.where(Hold.customer_id == name).order_by(is_open.desc(), Hold.proposed_at.desc())
    hold = session.scalars(query.limit(1)).first()
    if hold is None:
        raise UnknownHoldError(name)
    return hold


def listed(
    session: Session, status: HoldStatus | None = None, limit: int = 1000, *, after: tuple[datetime, UUID] | None = None
) -> Sequence[Hold]:
    """Return holds, oldest first: those in `status`, or every open one.

    Args:
        status: only these; None for every open one.
        after: `proposed_at` and id of the last hold of the page before.
    """
    query = _whole().where(Hold.status == status if status else Hold.status.in_(OPEN_HOLD))
    if after is not None:
        query = query.where(tuple_(Hold.proposed_at, Hold.id) > after)
    return session.scalars(query.order_by(Hold.proposed_at, Hold.id).limit(limit)).all()


def of_customer(session: Session, customer_id: str, limit: int = 100) -> Sequence[Hold]:
    """Return a customer's holds, the newest first."""
    query = _whole().where(Hold.customer_id == customer_id)
    return session.scalars(query.order_by(Hold.proposed_at.desc(), Hold.id).limit(limit)).all()


def _whole() -> Select[Hold]:
    return select(Hold).options(joinedload(Hold.customer), selectinload(Hold.beats), selectinload(Hold.triggers))


def newest_proposal(session: Session, hold_id: UUID) -> Proposal:
    query = select(Proposal).where(Proposal.hold_id == hold_id).order_by(Proposal.revision.desc()).limit(1)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def proposal(session: Session, proposal_id: UUID) -> Proposal:
    """Return a proposal, read once in a transaction."""
    found = PROPOSALS.recall(session, proposal_id)
    return found or PROPOSALS.remember(session, proposal_id, session.get_one(Proposal, proposal_id))


def newest_proposals(session: Session, hold_ids: Sequence[UUID]) -> dict[UUID, Proposal]:
    """Return what was proposed last about each of these holds."""
    query = (
        select(Proposal)
        .where(Proposal.hold_id.in_(hold_ids))
        .ext(distinct_on(Proposal.hold_id))
        .order_by(Proposal.hold_id, Proposal.revision.desc())
    )
    return {proposal.hold_id: proposal for proposal in session.scalars(query)}


def live_claim(session: Session, proposal_id: UUID, now: datetime) -> Claim | None:
    """Return who is deciding this proposal right now."""
    query = select(Claim).where(Claim.proposal_id == proposal_id, Claim.released_at.is_(None), Claim.expires_at > now)
    return session.scalars(query).one_or_none()


def first_approver(session: Session, proposal: Proposal) -> str | None:
    """Return who approved this revision as the first of two people."""
    first = session.get(Approval, (proposal.id, proposal.revision))
    return first.actor if first else None


def undo_until(session: Session, proposal: Proposal, now: datetime) -> datetime | None:
    """Return until when the proposal's approval can be taken back; None where it cannot."""
    standing = select(Decision.effective_at).where(Decision.proposal_id == proposal.id, Decision.outcome.is_(None))
    return session.scalars(standing.where(Decision.effective_at > now)).one_or_none()


def trigger(session: Session, trigger_id: str) -> HoldTrigger | None:
    """Return what became of a trigger; None while it has not arrived."""
    return session.get(HoldTrigger, trigger_id)


def trigger_kinds(session: Session, hold_id: UUID) -> list[TriggerKind]:
    """Return the kinds of the triggers that reached a hold, the first one first."""
    rows = session.scalars(select(HoldTrigger.kind).where(HoldTrigger.hold_id == hold_id).order_by(HoldTrigger.at))
    return list(dict.fromkeys(rows))


def decision(session: Session, decision_id: UUID) -> Decision | None:
    """Return a decision, locked."""
    return session.get(Decision, decision_id, with_for_update=True)


def next_look_at(hold: Hold, proposal: Proposal) -> datetime | None:
    """Return when a hold is looked at next: somebody is to be told of a proposal, or one in force is reviewed."""
    told = (proposal.remind_at, proposal.escalate_at) if proposal.status is ProposalStatus.OPEN else ()
    reviewed = (hold.next_review_at,) if hold.status in (HoldStatus.APPLYING, HoldStatus.IN_FORCE) else ()
    return min((at for at in (*told, *reviewed) if at is not None), default=None)


def _newest_facts(hold: Hold, proposal: Proposal) -> Facts:
    """Return what was seen last; while something is to be decided, what is shown with it."""
    if hold.situation is None or proposal.status is ProposalStatus.OPEN:
        return Facts.model_validate(proposal.facts)
    return Facts.model_validate(hold.situation["facts"])


def view(session: Session, hold_id: UUID) -> HoldView:
    """Return the hold as its workflow needs it."""
    session.flush()
    hold, proposal, customer_name, standing, triggers = session.execute(
        _view_sql(), {"hold_id": hold_id}, execution_options={"populate_existing": True}
    ).one()
    return HoldView(
        hold_id=hold.id,
        customer_id=hold.customer_id,
        customer_name=customer_name,
        status=hold.status,
        reason=hold.reason,
        triggers=list(dict.fromkeys(triggers or [])),
        warnings=proposal.warnings,
        facts=_newest_facts(hold, proposal),
        note=proposal.note,
        proposal_id=proposal.id,
        revision=proposal.revision,
        opened_at=hold.proposed_at,
        due_at=proposal.due_at,
        beats=standing or {},
        next_look_at=next_look_at(hold, proposal),
        escalated_at=proposal.escalated_at,
        escalated_to=proposal.escalated_to,
        proposal_kind=proposal.kind,
        proposal_status=proposal.status,
    )


@cache
def _view_sql() -> Select[*tuple[Any, ...]]:
    """Build the query of the hold `hold_id`, its newest proposal, its customer's name, its beats and its triggers."""
    beats = select(func.jsonb_object_agg(HoldBeat.beat, HoldBeat.status)).where(HoldBeat.hold_id == Hold.id)
    in_order = func.jsonb_agg(aggregate_order_by(HoldTrigger.kind, HoldTrigger.at))
    kinds = select(in_order).where(HoldTrigger.hold_id == Hold.id)
    return (
        select(Hold, Proposal, Customer.name, beats.scalar_subquery(), kinds.scalar_subquery())
        .join(Customer, Customer.id == Hold.customer_id)
        .join(Proposal, Proposal.hold_id == Hold.id)
        .where(Hold.id == bindparam("hold_id"))
        .order_by(Proposal.revision.desc())
        .limit(1)
    )
