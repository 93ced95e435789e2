"""Who asked for what: the row behind a signal or a run. Whoever may write to Temporal can invent the rest of it.

An authority that checked who asks writes the row, in its own transaction, before Temporal is told, and it is told
until what became of it has a row. An event from outside and a crossed credit limit are their own rows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import case, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit import composed
from credit.credit_hold import BlockSource
from credit.credit_limit import crossing
from credit.states import ReleaseCause, RequestKind
from credit.triggers import Trigger, TriggerKind
from db import outbox
from db.act import Act
from db.errors import BadInputError
from db.freight import limit_transitions
from db.models import Hold, HoldRequest, HoldTrigger, InboundEvent, LimitTransition, ReleaseRequest
from db.models.base import JsonObject

_EVENT = "event/"


class ReleaseAsked(NamedTuple):
    cause: ReleaseCause
    reason: str
    actor: str
    at: datetime


# --- asking -------------------------------------------------------------------------------------------------------


def ask_trigger(session: Session, customer_id: str, trigger: Trigger) -> HoldRequest:
    """Write down that a hold is asked for, and return the row; the same id once more changes nothing.

    Raises:
        BadInputError: the id was used for something else.
    """
    sees_it_through = trigger.kind is TriggerKind.AR_AGING  # the scan waits for each of its triggers, at its own pace
    return _ask(
        session,
        id=trigger.id,
        what=RequestKind.TRIGGER,
        customer_id=customer_id,
        kind=trigger.kind,
        reason=trigger.reason,
        actor=trigger.actor,
        asked_at=trigger.at,
        as_of=trigger.as_of,
        adopt_prior=trigger.adopt_prior,
        handled_at=trigger.at if sees_it_through else None,
    )


def ask_release(session: Session, customer_id: str, hold_id: UUID, request_id: str, asked: ReleaseAsked) -> HoldRequest:
    """Write down that a hold's release is asked for, and return the row; the same id once more changes nothing.

    Raises:
        BadInputError: the id was used for something else.
    """
    return _ask(
        session,
        id=request_id,
        what=RequestKind.RELEASE,
        customer_id=customer_id,
        hold_id=hold_id,
        cause=asked.cause,
        reason=asked.reason,
        actor=asked.actor,
        asked_at=asked.at,
    )


def ask_run(act: Act, workflow_id: str, what: RequestKind, *, reason: str) -> None:
    """Write down that a person wants a scan or a reconcile, under the id of the workflow that will be it."""
    _ask(act.session, id=workflow_id, what=what, reason=reason, actor=act.actor, asked_at=act.now, handled_at=act.now)


def _ask(session: Session, **values: object) -> HoldRequest:
    session.execute(insert(HoldRequest).values(values).on_conflict_do_nothing(index_elements=[HoldRequest.id]))
    row = session.get_one(HoldRequest, values["id"])
    if (row.what, row.customer_id) != (values["what"], values.get("customer_id")):
        raise BadInputError(f"the id {row.id} was used for something else: give another one")
    return row


# --- the outbox ---------------------------------------------------------------------------------------------------

OPEN = (HoldRequest.handled_at.is_(None), HoldRequest.what.in_((RequestKind.TRIGGER, RequestKind.RELEASE)))
"""Which rows are in the outbox."""


def untold(session: Session, *, now: datetime, resend_after: timedelta) -> Sequence[HoldRequest]:
    """Return triggers and releases that have not arrived, and were not tried lately, longest waiting first."""
    query = outbox.due(
        select(HoldRequest).where(*OPEN, ~outbox.is_kept_back(HoldRequest.customer_id, HoldRequest.tried_at)),
        written=HoldRequest.asked_at,
        tried=HoldRequest.tried_at,
        now=now,
        resend_after=resend_after,
    )
    return session.scalars(query).all()


def leave_to_the_relay(session: Session, request_id: str) -> None:
    """Put a scan's trigger into the outbox: the scan waits for it no longer."""
    session.execute(update(HoldRequest).where(HoldRequest.id == request_id).values(handled_at=None))


def note_tried(session: Session, request: HoldRequest, now: datetime) -> None:
    """Note that the hold was told of a request, or that this failed."""
    session.execute(update(HoldRequest).where(HoldRequest.id == request.id).values(tried_at=now))


def end(session: Session, now: datetime) -> None:
    """End the requests that have arrived, granted or turned away, and the releases of holds that are over."""
    over = exists().where(Hold.id == HoldRequest.hold_id, Hold.closed_at.is_not(None))
    arrived = case(
        (HoldRequest.what == RequestKind.TRIGGER, exists().where(HoldTrigger.id == HoldRequest.id)),
        else_=or_(over, exists().where(ReleaseRequest.id == HoldRequest.id)),
    )
    session.execute(update(HoldRequest).where(*OPEN, arrived).values(handled_at=now))


# --- what was asked -----------------------------------------------------------------------------------------------


def trigger(session: Session, customer_id: str, trigger_id: str) -> Trigger | None:
    """Return the trigger that was asked for about this customer under this id; None where nobody asked for one."""
    if not _may_be_an_id(trigger_id):
        return None
    row = session.get(HoldRequest, trigger_id)
    if row is not None and row.kind is not None:
        return of_request(row) if row.customer_id == customer_id else None
    if trigger_id.startswith(limit_transitions.TRIGGER_PREFIX):
        return _crossing(session, customer_id, trigger_id.removeprefix(limit_transitions.TRIGGER_PREFIX))
    told = _told(session, customer_id, trigger_id, "trigger")
    if told is not None:
        return Trigger.model_validate(told)
    return _recorded(session, customer_id, trigger_id)


def release(session: Session, customer_id: str, hold_id: UUID, request_id: str) -> ReleaseAsked | None:
    """Return the release of this hold that was asked for under this id; None where nobody asked for it."""
    if not _may_be_an_id(request_id):
        return None
    row = session.get(HoldRequest, request_id)
    if row is not None and row.cause is not None:
        asked = ReleaseAsked(row.cause, row.reason, row.actor, row.asked_at)
        return asked if row.hold_id == hold_id else None
    told = _told(session, customer_id, request_id, "request_release")
    if told is None:
        return None
    at = datetime.fromisoformat(told["at"])
    return ReleaseAsked(ReleaseCause(told["cause"]), told["reason"], told["actor"], at)


def who_asked(session: Session, workflow_id: str, what: RequestKind) -> str | None:
    """Return who asked for the run with this workflow id; None where nobody did: a schedule, or a foreign start."""
    row = session.get(HoldRequest, workflow_id) if _may_be_an_id(workflow_id) else None
    return row.actor if row is not None and row.what is what else None


def of_request(row: HoldRequest) -> Trigger:
    """Return the trigger that a row asks for: the same one every time."""
    if row.kind is None:
        msg = f"{row.id} asks for no trigger"
        raise ValueError(msg)
    return Trigger(
        id=row.id,
        kind=row.kind,
        reason=row.reason,
        actor=row.actor,
        at=row.asked_at,
        as_of=row.as_of,
        adopt_prior=row.adopt_prior,
    )


def of_crossing(transition: LimitTransition) -> Trigger:
    """Return the trigger of a crossed credit limit: the same one every time."""
    return Trigger(
        id=f"{limit_transitions.TRIGGER_PREFIX}{transition.id}",
        kind=TriggerKind.CREDIT_LIMIT,
        reason=composed.reason(crossing(transition.after, transition.credit_limit, transition.exposure)),
        actor=BlockSource.AUTO_APPLY.label,
        at=transition.at,
    )


def _may_be_an_id(text: str) -> bool:
    """Whether the database can be asked for it at all."""
    return 0 < len(text) <= composed.LONGEST_ID and "\0" not in text


def _crossing(session: Session, customer_id: str, name: str) -> Trigger | None:
    try:
        row = session.get(LimitTransition, UUID(name))
    except ValueError:
        return None
    return of_crossing(row) if row is not None and row.applied and row.customer_id == customer_id else None


def _told(session: Session, customer_id: str, wanted: str, signal: str) -> JsonObject | None:
    """Return what an event of this customer tells its hold under this id."""
    if not wanted.startswith(_EVENT):
        return None
    said = [{"signal": signal, "payload": {"id": wanted}}]
    query = select(InboundEvent.tell).where(InboundEvent.customer_id == customer_id, InboundEvent.tell.contains(said))
    tell = session.scalars(query.limit(1)).first() or []
    return next((one["payload"] for one in tell if one["signal"] == signal and one["payload"]["id"] == wanted), None)


def _recorded(session: Session, customer_id: str, trigger_id: str) -> Trigger | None:
    """Return a trigger that arrived before what was asked for had a row: told again, it changes nothing."""
    row = session.get(HoldTrigger, trigger_id)
    if row is None or row.customer_id != customer_id:
        return None
    return Trigger(id=row.id, kind=row.kind, reason=row.reason, actor=row.actor, at=row.at)
