"""Proposed actions: what people are advised to review, and what became of the advice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from credit.events import ActionKind, ActionStatus
from credit.states import ProposalKind
from db.act import Act
from db.models import ProposedAction

_ADVISED = {ProposalKind.PLACE: ActionKind.AR_REVIEW, ProposalKind.RELEASE: ActionKind.AR_HOLD_REVIEW}
_SETTLED = {"approved": ActionStatus.TAKEN, "declined": ActionStatus.DISMISSED}


def stage(
    session: Session,
    kind: ActionKind,
    *,
    customer_id: str,
    hold_id: UUID | None,
    dispute_id: UUID | None,
    detail: str,
    at: datetime,
) -> ProposedAction:
    action = ProposedAction(
        kind=kind,
        customer_id=customer_id,
        hold_id=hold_id,
        dispute_id=dispute_id,
        status=ActionStatus.STAGED,
        detail=detail,
        created_at=at,
    )
    session.add(action)
    session.flush()
    return action


def staged_since(session: Session, kind: ActionKind, customer_id: str, since: datetime) -> bool:
    """Whether an action of this kind was staged for the customer since then, whatever became of it."""
    same = exists().where(
        ProposedAction.kind == kind, ProposedAction.customer_id == customer_id, ProposedAction.created_at > since
    )
    return bool(session.scalar(select(same)))


def of_customer(session: Session, customer_id: str, status: ActionStatus | None = None) -> Sequence[ProposedAction]:
    """Return the customer's actions, newest first: those in `status`, or all."""
    query = select(ProposedAction).where(ProposedAction.customer_id == customer_id)
    if status is not None:
        query = query.where(ProposedAction.status == status)
    return session.scalars(query.order_by(ProposedAction.created_at.desc(), ProposedAction.id)).all()


def settle(act: Act, customer_id: str, decided: ProposalKind, outcome: str) -> None:
    """Take or dismiss what is staged for a customer, now that what it advised was decided: `approved` or `declined`."""
    kind, status = _ADVISED.get(decided), _SETTLED.get(outcome)
    if kind is None or status is None:
        return
    staged = (ProposedAction.customer_id == customer_id, ProposedAction.status == ActionStatus.STAGED)
    act.session.execute(
        update(ProposedAction).where(ProposedAction.kind == kind, *staged).values(status=status, settled_at=act.now)
    )
