"""The reconcile's comparisons: what the record says beside what Temporal says, one page at a time."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities import serving
from activities.heartbeats import steady_heartbeats
from credit import composed
from credit.actors import OwnActor
from credit.audit_entries.system import DisagreementFound
from credit.states import BEAT_OVER, Beat, HoldStatus, RequestKind
from credit.triggers import Trigger, TriggerKind
from credit.wording import words
from db import audit
from db.act import Act
from db.engine import in_transaction
from db.holds import reconciliation, requests
from db.holds.reconciliation import OpenHold, OpenMessage
from workflows.contract import (
    OUTBOUND_MESSAGE,
    RECONCILE,
    SERVICE_HOLD,
    FactsChangedSignal,
    Finding,
    HoldState,
    Mending,
    OutboundMessageInput,
    customer_of,
    message_workflow_id,
    service_hold_id,
)
from workflows.signatures import Look, Reconciled, ReconcilePage
from workflows.starting import send_trigger, start_hold_workflow

Row = TypeVar("Row")

_PAGE = 200
_SETTLE_SECONDS = 3.0
"""A hold that is moving disagrees for a moment: what disagrees is asked again after this long."""
_YOUNG = timedelta(seconds=30)
"""Workflows and rows younger than this are still finding each other."""


class ReconcilingActivities:
    def __init__(self, engine: Engine, client: Client) -> None:
        self._engine = engine
        self._client = client

    @activity.defn
    async def reconcile_page(self, order: ReconcilePage) -> Reconciled:
        """Compare one page, and mend what `order.mending` allows."""
        asked_by = await asyncio.to_thread(self._serve, order)
        order = order.model_copy(update={"requested_by": asked_by})
        looks = {Look.HOLDS: self._holds, Look.MESSAGES: self._messages, Look.WORKFLOWS: self._workflows}
        async with steady_heartbeats():
            return await looks[order.look](order)

    def _serve(self, order: ReconcilePage) -> str:
        """Answer who wants this: a person's row, or the schedule. Only a person may have workflows ended."""
        with serving.checked(self._engine) as session:
            serving.only(RECONCILE)
            serving.queue(order.task_queue)
            serving.not_from_the_future(order.now)
            asked_by = requests.who_asked(session, activity.info().workflow_id or "", RequestKind.RECONCILE)
            if asked_by is None and order.mending is Mending.REPAIR:
                raise serving.NotServedError("nobody asked for a repair")
            return asked_by or OwnActor.SCHEDULE

    async def _read_page(self, read: Callable[..., list[Row]], order: ReconcilePage) -> list[Row]:
        before = order.now - _YOUNG
        return await in_transaction(self._engine, read, after=order.after, limit=_PAGE, before=before)

    # --- holds in the record: is each one's workflow there, and does it agree? -----------------------------------

    async def _holds(self, order: ReconcilePage) -> Reconciled:
        page = await self._read_page(reconciliation.open_holds, order)
        findings = [finding for hold in page if (finding := await self._hold(order, hold)) is not None]
        return Reconciled(
            looked_at=len(page), findings=findings, after=page[-1].customer_id if len(page) == _PAGE else None
        )

    async def _hold(self, order: ReconcilePage, hold: OpenHold) -> Finding | None:
        handle = self._client.get_workflow_handle(service_hold_id(hold.customer_id))
        if not await _is_running(handle):
            gone = f"the record has an open hold ({hold.status}) and its workflow is gone"
            done = ""
            if order.mending is not Mending.LOOK:
                await start_hold_workflow(self._client, order.task_queue, hold.customer_id)
                done = "Started it again; it takes up the record."
            return await self._found(order, handle.id, gone, done, chain=hold.id)
        if await self._contradiction(handle, hold) is None and not hold.is_forgotten(order.now):
            return None
        await asyncio.sleep(_SETTLE_SECONDS)
        current = await self._read_hold(hold.customer_id)
        if current is None or not await _is_running(handle):
            return None  # it was just ending
        problem = await self._contradiction(handle, current)
        if problem is None:
            return await self._forgotten(order, handle.id, current)
        done = ""
        if order.mending is Mending.REPAIR:
            await handle.terminate(reason=f"reconcile for {order.requested_by}: {problem}")
            await start_hold_workflow(self._client, order.task_queue, hold.customer_id)
            done = "Ended it and started it from the record."
        return await self._found(order, handle.id, problem, done, chain=hold.id)

    async def _forgotten(self, order: ReconcilePage, workflow_id: str, hold: OpenHold) -> Finding | None:
        """A hold in force without a next look, such as one from before there were looks: its workflow is told to."""
        if not hold.is_forgotten(order.now):
            return None
        problem, done = "the hold is in force and nobody looks at it again", ""
        if order.mending is not Mending.LOOK:
            signal = FactsChangedSignal(
                id=f"look/{uuid4()}", what="look", why=problem, actor=order.requested_by, at=order.now
            )
            await start_hold_workflow(
                self._client,
                order.task_queue,
                hold.customer_id,
                start_signal="facts_changed",
                start_signal_args=[signal],
            )
            done = "Had it looked at."
        return await self._found(order, workflow_id, problem, done, chain=hold.id)

    async def _read_hold(self, customer_id: str) -> OpenHold | None:
        return await in_transaction(self._engine, reconciliation.open_hold, customer_id)

    @staticmethod
    async def _contradiction(handle: WorkflowHandle[object, object], hold: OpenHold) -> str | None:
        try:
            state = await _state(handle)
        except (WorkflowQueryFailedError, RPCError) as error:
            return f"its workflow is stuck and answers no query: {str(error)[:200]}"
        if state.hold is None:
            return None  # a fresh run that has not taken up the record yet
        if state.hold.hold_id != hold.id:
            return f"the workflow carries hold {state.hold.hold_id}, the record hold {hold.id}"
        if state.hold.status is not hold.status:
            return f"the workflow says {words(state.hold.status)}, the record says {words(hold.status)}"
        run = [beat for beat, one in state.beats.items() if one.status not in BEAT_OVER]
        if nobodys := sorted(set(hold.unfinished) - set(run)):
            labels = ", ".join(Beat(beat).label for beat in nobodys)
            return f"the record waits for what the workflow does not run: {labels}"
        return None

    # --- messages in the record: is each one's workflow there? ---------------------------------------------------

    async def _messages(self, order: ReconcilePage) -> Reconciled:
        page = await self._read_page(reconciliation.open_messages, order)
        findings = [finding for message in page if (finding := await self._message(order, message)) is not None]
        return Reconciled(
            looked_at=len(page), findings=findings, after=str(page[-1].id) if len(page) == _PAGE else None
        )

    async def _message(self, order: ReconcilePage, message: OpenMessage) -> Finding | None:
        handle = self._client.get_workflow_handle(message_workflow_id(message.id))
        if await _is_running(handle):
            return None
        done = ""
        if order.mending is not Mending.LOOK:
            await self._client.start_workflow(
                OUTBOUND_MESSAGE,
                OutboundMessageInput(
                    message_id=message.id,
                    hold_id=message.hold_id,
                    customer_id=message.customer_id,
                    kind=message.kind,
                    drafted_at=message.drafted_at,
                ),
                id=handle.id,
                task_queue=order.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            done = "Started it again."
        problem = f"the record has a message {message.status} and its workflow is gone"
        return await self._found(order, handle.id, problem, done, chain=message.hold_id)

    # --- running workflows: does the record know each one's hold? ------------------------------------------------

    async def _workflows(self, order: ReconcilePage) -> Reconciled:
        looked_at, findings = 0, []
        running = self._client.list_workflows(f"WorkflowType = '{SERVICE_HOLD}' AND ExecutionStatus = 'Running'")
        async for execution in running:
            looked_at += 1
            if execution.task_queue == order.task_queue and execution.start_time < order.now - _YOUNG:
                finding = await self._workflow(order, execution.id)
                if finding is not None:
                    findings.append(finding)
        return Reconciled(looked_at=looked_at, findings=findings, after=None)

    async def _workflow(self, order: ReconcilePage, workflow_id: str) -> Finding | None:
        customer_id = customer_of(workflow_id)
        if customer_id is None:
            return await self._foreign(order, workflow_id)
        if await self._read_hold(customer_id) is not None:
            return None  # compared from the other side
        handle = self._client.get_workflow_handle(workflow_id)
        await asyncio.sleep(_SETTLE_SECONDS)
        if await self._read_hold(customer_id) is not None or not await _is_running(handle):
            return None
        try:
            status = (await _state(handle)).status
        except (WorkflowQueryFailedError, RPCError):
            status = None
        said = words(status or "no answer")
        problem = f"a workflow runs ({said}) and the record has no open hold of customer {customer_id}"
        done = ""
        if order.mending is Mending.REPAIR:
            await handle.terminate(reason=f"reconcile for {order.requested_by}: {problem}")
            done = "Ended it."
            if status not in (None, HoldStatus.PROPOSED) and await self._is_customer(customer_id):
                lost = _lost_hold(order, problem)
                await in_transaction(self._engine, requests.ask_trigger, customer_id, lost)
                await send_trigger(self._client, order.task_queue, customer_id, lost)
                done = "Ended it and proposed the hold anew: the approver decides; NetSuite may still say ON."
        return await self._found(order, workflow_id, problem, done, chain=audit.SYSTEM)

    async def _foreign(self, order: ReconcilePage, workflow_id: str) -> Finding | None:
        """A hold's workflow under an id that is no hold's: no record is its own, and no activity serves it."""
        handle = self._client.get_workflow_handle(workflow_id)
        if not await _is_running(handle):
            return None
        problem = "a hold's workflow runs under an id that is no customer's hold"
        done = ""
        if order.mending is Mending.REPAIR:
            await handle.terminate(reason=f"reconcile for {order.requested_by}: {problem}")
            done = "Ended it."
        return await self._found(order, workflow_id, problem, done, chain=audit.SYSTEM)

    async def _is_customer(self, customer_id: str) -> bool:
        return await in_transaction(self._engine, reconciliation.is_customer, customer_id)

    async def _found(
        self, order: ReconcilePage, workflow_id: str, problem: str, done: str, *, chain: str | UUID
    ) -> Finding:
        """Keep an audit row, once a day for the same thing, and hand the finding on."""
        finding = Finding(workflow_id=workflow_id, problem=problem, done=done)
        await in_transaction(self._engine, _keep, order, finding, chain)
        return finding


def _keep(session: Session, order: ReconcilePage, finding: Finding, chain: str | UUID) -> None:
    Act(session, order.requested_by, order.now).note(
        chain,
        DisagreementFound(workflow_id=finding.workflow_id, why=finding.problem, done=finding.done),
        once=f"{order.now.date()}: {finding.workflow_id}: {finding.problem}: {finding.done}",
    )


async def _state(handle: WorkflowHandle[object, object]) -> HoldState:
    state: HoldState = await handle.query("state", result_type=HoldState, rpc_timeout=timedelta(seconds=10))
    return state


async def _is_running(handle: WorkflowHandle[object, object]) -> bool:
    try:
        return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise


def _lost_hold(order: ReconcilePage, problem: str) -> Trigger:
    now: datetime = order.now
    return Trigger(
        id=str(uuid4()),
        kind=TriggerKind.MANUAL,
        reason=composed.reason(
            f"found by a reconcile: {problem}; it was lost from the record, and NetSuite may still say ON"
        ),
        actor=order.requested_by,
        at=now,
    )
