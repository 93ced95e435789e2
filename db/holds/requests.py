"""Who asked for what: the row behind a signal or a run. Whoever may write to Temporal can invent the rest of it.

An authority that checked who asks writes the row, in its own transaction, before Temporal is told. What was an outbox
already is its own row: an event from outside, a crossed credit limit.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit import composed
from credit.credit_hold import BlockSource, crossing
from credit.states import ReleaseCause, RequestKind
from credit.triggers import Trigger, TriggerKind
from db.errors import BadInputError
from db.models import HoldRequest, HoldTrigger, InboundEvent, LimitTransition
from db.models.base import JsonObject

_LIMIT = "limit/"
_EVENT = "event/"


class ReleaseAsked(NamedTuple):
    cause: ReleaseCause
    reason: str
    actor: str
    at: datetime


# --- asking -------------------------------------------------------------------------------------------------------


def ask_trigger(session: Session, customer_id: str, trigger: Trigger) -> None:
    """Write down that a hold is asked for; the same id once more changes nothing.

    Raises:
        BadInputError: the id was used for something else.
    """
    _ask(
        session,
        id=trigger.id,
        what=RequestKind.TRIGGER,
        customer_id=customer_id,
        kind=trigger.kind,
        reason=trigger.reason,
        actor=trigger.actor,
        asked_at=trigger.at,
        as_of=trigger.as_of,
    )


def ask_release(session: Session, customer_id: str, hold_id: UUID, request_id: str, asked: ReleaseAsked) -> None:
    """Write down that a hold's release is asked for; the same id once more changes nothing.

    Raises:
        BadInputError: the id was used for something else.
    """
    _ask(
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


def ask_run(session: Session, workflow_id: str, what: RequestKind, *, actor: str, reason: str, now: datetime) -> None:
    """Write down that a person wants a scan or a reconcile, under the id of the workflow that will be it."""
    _ask(session, id=workflow_id, what=what, reason=reason, actor=actor, asked_at=now)


def _ask(session: Session, **values: object) -> None:
    session.execute(insert(HoldRequest).values(values).on_conflict_do_nothing(index_elements=[HoldRequest.id]))
    row = session.get_one(HoldRequest, values["id"])
    if (row.what, row.customer_id) != (values["what"], values.get("customer_id")):
        raise BadInputError(f"the id {row.id} was used for something else: give another one")


# --- what was asked -----------------------------------------------------------------------------------------------


def trigger(session: Session, customer_id: str, trigger_id: str) -> Trigger | None:
    """Return the trigger that was asked for about this customer under this id; None where nobody asked for one."""
    if not _may_be_an_id(trigger_id):
        return None
    row = session.get(HoldRequest, trigger_id)
    if row is not None and row.what is RequestKind.TRIGGER and row.kind is not None:
        trigger = Trigger(
            id=row.id, kind=row.kind, reason=row.reason, actor=row.actor, at=row.asked_at, as_of=row.as_of
        )
        return trigger if row.customer_id == customer_id else None
    if trigger_id.startswith(_LIMIT):
        return _crossing(session, customer_id, trigger_id.removeprefix(_LIMIT))
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


def of_crossing(transition: LimitTransition) -> Trigger:
    """Return the trigger of a crossed credit limit: the same one every time."""
    return Trigger(
        id=f"{_LIMIT}{transition.id}",
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
