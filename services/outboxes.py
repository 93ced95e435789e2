"""Every outbox: which rows Temporal is told of, how, and what ends them (`services/relay.py`)."""

from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from db.freight import limit_transitions
from db.holds import decisions, drift, requests
from db.holds.drift import Repair
from db.messages import review
from db.models import HoldRequest, InboundEvent, LimitTransition
from db.receivables import events
from services.relay import Outbox
from workflows.contract import (
    RESTORE_AGAIN,
    DecideSignal,
    ReleaseSignal,
    RestoreAgainInput,
    message_workflow_id,
    restore_again_prefix,
)
from workflows.starting import send_trigger, start_hold_workflow


def all_of(task_queue: str) -> list[Outbox[Any]]:
    """Return every outbox there is; holds that have to be started are started on this task queue."""
    return [
        DECISIONS,
        MESSAGE_DECISIONS,
        requested(task_queue),
        told_from_outside(task_queue),
        crossed_limits(task_queue),
        repairs(task_queue),
    ]


# --- decisions: they end when the workflow obeys them -------------------------------------------------------------


async def _decide(client: Client, decision: decisions.Undelivered) -> None:
    signal = DecideSignal(decision_id=decision.id)
    await client.get_workflow_handle(decision.workflow_id).signal("decide", signal)


async def _decide_message(client: Client, decision: review.Undelivered) -> None:
    handle = client.get_workflow_handle(message_workflow_id(decision.message_id))
    await handle.signal("decide", DecideSignal(decision_id=decision.id))


DECISIONS = Outbox(
    "decision about a hold",
    decisions.undelivered,
    _decide,
    lambda session, decision, now: decisions.note_sent(session, decision.id, now),
)
MESSAGE_DECISIONS = Outbox(
    "decision about a message",
    review.undelivered,
    _decide_message,
    lambda session, decision, now: review.note_sent(session, decision.id, now),
)


# --- what a hold is asked: a run that is gone is started, and takes up the record ---------------------------------


def requested(task_queue: str) -> Outbox[HoldRequest]:
    """Return the outbox of holds and releases that were asked for."""

    async def deliver(client: Client, request: HoldRequest) -> None:
        customer_id = request.customer_id or ""
        if request.cause is None:
            await send_trigger(client, task_queue, customer_id, requests.of_request(request))
            return
        signal = ReleaseSignal(
            id=request.id, cause=request.cause, reason=request.reason, actor=request.actor, at=request.asked_at
        )
        await start_hold_workflow(
            client, task_queue, customer_id, start_signal="request_release", start_signal_args=[signal]
        )

    return Outbox("request", requests.untold, deliver, requests.note_tried, requests.end)


def told_from_outside(task_queue: str) -> Outbox[InboundEvent]:
    """Return the outbox of events: each tells the customer's hold any number of things."""

    async def deliver(client: Client, event: InboundEvent) -> None:
        for signal in event.tell:
            await start_hold_workflow(
                client,
                task_queue,
                event.customer_id,
                start_signal=signal["signal"],
                start_signal_args=[signal["payload"]],
            )

    return Outbox("event", events.untold, deliver, events.note_tried, events.end)


def crossed_limits(task_queue: str) -> Outbox[LimitTransition]:
    """Return the outbox of crossed credit limits: one that put a customer on credit hold proposes a service hold."""

    async def deliver(client: Client, transition: LimitTransition) -> None:
        await send_trigger(client, task_queue, transition.customer_id, requests.of_crossing(transition))

    return Outbox(
        "crossed limit", limit_transitions.unproposed, deliver, limit_transitions.note_tried, limit_transitions.end
    )


# --- repairs of released holds: they end when the beat is done, or waits for a person -----------------------------


def repairs(task_queue: str) -> Outbox[Repair]:
    """Return the outbox of the values that are to be restored once more; each has a small workflow of its own."""

    async def deliver(client: Client, repair: Repair) -> None:
        await client.start_workflow(
            RESTORE_AGAIN,
            RestoreAgainInput(hold_id=repair.hold_id),
            id=f"{restore_again_prefix(repair.hold_id)}{repair.id}",
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="Restore NetSuite's value again",
        )

    return Outbox("repair", drift.unrepaired, deliver, drift.note_tried)
