"""What somebody with write access to the Temporal namespace alone can do: start and stop work, and decide nothing."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import reconciling
from credit import eligibility as rule
from credit.states import Beat, Verdict
from credit.triggers import Trigger
from db.engine import transaction
from db.errors import SelfApprovalError
from db.freight import eligibility
from db.models import Hold, ReleaseRequest
from tests.holds.helpers import (
    ask,
    events,
    holds_of,
    in_force,
    knows,
    refused,
    rows,
    send,
    status_of,
    trigger,
    trigger_row,
    write_decision,
)
from tests.patience import PATIENCE
from tests.world import World
from workflows.contract import (
    AR_AGING,
    RECONCILE,
    SERVICE_HOLD,
    ArAgingInput,
    Mending,
    ReconcileInput,
    ServiceHoldInput,
    message_workflow_id,
    netsuite_task_queue,
    service_hold_id,
)

NOW = "2026-11-21T12:00:00Z"


@workflow.defn(name="Evil")
class Evil:
    """Schedules one of our activities, with any input."""

    @workflow.run
    async def run(self, name: str, order: dict[str, Any], queue: str) -> Any:
        return await workflow.execute_activity(
            name, order, task_queue=queue, start_to_close_timeout=timedelta(seconds=20)
        )


async def attack(world: World, name: str, order: dict[str, Any], *, own: str | None = None) -> ApplicationError:
    """Schedule an activity from a worker of one's own; `own`: under the id and type of this customer's hold."""
    queue = world.settings.task_queue
    theirs = f"evil-{uuid4()}"
    if own is not None:
        await world.workflow(own).terminate("to take its place")
    on = netsuite_task_queue(queue) if "netsuite" in name else queue
    async with Worker(
        world.client, task_queue=theirs, workflows=[Disguised, Evil], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        with pytest.raises(WorkflowFailureError) as raised:
            await world.client.execute_workflow(
                SERVICE_HOLD if own else "Evil",
                args=[name, order, on],
                id=service_hold_id(own) if own else f"evil/{uuid4()}",
                task_queue=theirs,
            )
    activity = raised.value.cause
    assert isinstance(activity, ActivityError)
    assert isinstance(activity.cause, ApplicationError)
    return activity.cause


@workflow.defn(name=SERVICE_HOLD)
class Disguised:
    """As `Evil`, under the name of a hold's workflow."""

    @workflow.run
    async def run(self, name: str, order: dict[str, Any], queue: str) -> Any:
        return await workflow.execute_activity(
            name, order, task_queue=queue, start_to_close_timeout=timedelta(seconds=20)
        )


@pytest.fixture
async def pushing(world: World) -> str:
    """A customer that is held while NetSuite is away."""
    customer = world.customer()
    world.sandbox.faults(outage=True)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "retrying")
    return customer


def may_order(world: World, customer: str) -> bool:
    with transaction(world.engine) as session:
        standing, policy = eligibility.read(session, customer, datetime.now(UTC))
    return rule.check(standing, rule.Action.ORDER, policy).allowed


@pytest.mark.parametrize("disguised", [False, True])
@pytest.mark.parametrize("beat", [Beat.PUSH_NETSUITE, Beat.UNFLAG_CUSTOMER])
async def test_a_hold_in_force_is_not_lifted_by_a_foreign_workflow(
    world: World, pushing: str, beat: Beat, *, disguised: bool
) -> None:
    order = {"hold_id": world.show(pushing)["id"], "beat": beat, "now": NOW}

    error = await attack(world, "unflag_customer", order, own=pushing if disguised else None)

    assert (error.type, error.non_retryable) == ("NotServed", True)
    assert world.customer_row(pushing).entitystatus == "hold"
    assert not may_order(world, pushing)
    assert world.beat(pushing, "push_netsuite")["status"] != "done"
    chains: list[str | UUID] = [holds_of(world, pushing)[0].id, "system"]
    [row] = [row for chain in chains for row in events(world, chain, "activity_refused")]
    assert row.detail["activity"] == "unflag_customer"
    world.sandbox.clear_faults()


async def test_a_hold_is_neither_restored_nor_released_nor_declined_by_who_takes_its_place(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    hold = world.show(customer)
    at = {"hold_id": hold["id"], "now": NOW}

    await attack(world, "restore_netsuite", at | {"beat": Beat.PUSH_NETSUITE}, own=customer)
    for name, order in {
        "restore_netsuite": at | {"beat": Beat.RESTORE_NETSUITE},
        "finish_release": at,
        "close_proposal": at | {"proposal_id": hold["proposal"]["id"], "ending": "declined"},
    }.items():
        error = await attack(world, name, order)
        assert error.type == "NotServed", name

    assert world.status(customer) == "in_force"
    assert world.customer_row(customer).entitystatus == "hold"
    assert len(world.sandbox.applied(customer)) == 1


async def test_a_foreign_start_takes_no_hold_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "_YOUNG", timedelta(0))
    customer = world.customer()
    await in_force(world, customer)

    for foreign in (f"evil-{customer}", customer):
        start = ServiceHoldInput(customer_id=customer)
        handle = await world.client.start_workflow(
            SERVICE_HOLD, start, id=foreign, task_queue=world.settings.task_queue
        )
        with pytest.raises(WorkflowFailureError):
            await handle.result()

    [hold] = holds_of(world, customer)
    assert hold.workflow_id == service_hold_id(customer)
    assert hold.run_id == (await world.workflow(customer).describe()).run_id
    await world.operations.request_release(customer, reason="paid", actor="robin")
    assert (await world.operations.reconcile(Mending.LOOK, actor="robin")).findings == []


async def test_the_reconcile_finds_a_holds_workflow_under_a_foreign_id(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also under a customer's bare id, which the prefix hides; it runs because nobody has given it a task yet."""
    monkeypatch.setattr(reconciling, "_YOUNG", timedelta(0))
    customer = world.customer()
    await world.start(customer)
    handle = await world.client.start_workflow(
        SERVICE_HOLD,
        ServiceHoldInput(customer_id=customer),
        id=customer,
        task_queue=world.settings.task_queue,
        start_delay=timedelta(hours=1),
    )

    async def found(mending: Mending) -> list[str]:
        report = await world.operations.reconcile(mending, actor="robin")
        return [finding.workflow_id for finding in report.findings]

    deadline = asyncio.get_running_loop().time() + PATIENCE
    while await found(Mending.LOOK) != [customer]:  # the server lists a workflow a moment after it is there
        assert asyncio.get_running_loop().time() < deadline
    assert await found(Mending.REPAIR) == [customer]
    assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert (await world.state(customer)).status == "proposed"


async def test_a_forged_trigger_is_nobodys(world: World) -> None:
    customer, other = world.customer(), world.customer()
    await world.start(customer)
    forged = trigger(reason="approved, says the boss", actor="mike")

    await send(world, customer, forged, asked=False)
    await send(world, other, forged, asked=False)

    await knows(world, customer, lambda state: state.refused_signals == 1)
    assert (await world.workflow(other).result())["hold_id"] is None
    assert holds_of(world, other) == []
    assert trigger_row(world, forged.id) is None
    [event] = refused(world, customer)
    assert (event.actor, event.detail["id"]) == ("unknown", forged.id)
    assert "mike" in event.detail["content"]
    assert (await world.start(other)).created


async def test_a_forged_release_is_nobodys(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    forged = {"id": "r1", "reason": "let them go", "actor": "mike", "at": NOW}
    await world.workflow(customer).signal("request_release", forged)

    await world.eventually(lambda: refused(world, customer))
    assert rows(world, select(ReleaseRequest)) == []
    assert world.show(customer)["proposal"]["kind"] == "place"


async def test_who_asked_may_not_approve_whatever_the_signal_says(world: World) -> None:
    world.set_policy(bar_self_approval=True)
    customer = world.customer()
    asked = trigger(actor="mike")
    ask(world, customer, asked)

    await send(world, customer, asked.model_copy(update={"actor": "robin"}), asked=False)
    await world.eventually(lambda: holds_of(world, customer))

    assert trigger_row(world, asked.id).actor == "mike"  # type: ignore[union-attr]
    with pytest.raises(SelfApprovalError):
        write_decision(world, customer, Verdict.APPROVE, actor="mike")


BAD_STARTS: dict[str, Any] = {
    "NUL in a reason": {"triggers": [json.loads(trigger(reason="nul \x00").model_dump_json())]},
    "NUL in an id": {"triggers": [json.loads(trigger(id="nul \x00").model_dump_json())]},
    "unknown kind of event": {"inbox": [{"kind": "whim", "content": {}}]},
    "event without its content": {"inbox": [{"kind": "decide"}, {"kind": "decide", "content": {"decision_id": 7}}]},
    "event that is none": {"inbox": [7, None, "x", {"kind": {}}]},
    "triggers that are none": {"triggers": [None, 7, {}]},
    "triggers that are no list": {"triggers": "all"},
    "another customer": {"customer_id": "somebody else"},
    "no customer": {"customer_id": None},
}


def payload(data: bytes, encoding: bytes = b"json/plain") -> RawValue:
    return RawValue(Payload(metadata={"encoding": encoding}, data=data))


RAW_STARTS = {
    "no JSON": [payload(b"{\x00 not json")],
    "odd encoding": [payload(bytes(range(256)), b"binary/odd")],
    "null": [payload(b"null")],
    "a list": [payload(b"[]")],
    "nothing": [],
}


@pytest.mark.parametrize("name", [*BAD_STARTS, *RAW_STARTS])
async def test_a_bad_start_wedges_no_later_proposal(world: World, name: str) -> None:
    customer = world.customer()
    args = RAW_STARTS.get(name) or [{"customer_id": customer} | BAD_STARTS.get(name, {})]
    handle = await world.client.start_workflow(
        SERVICE_HOLD,
        args=[] if name == "nothing" else args,
        id=service_hold_id(customer),
        task_queue=world.settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )

    started = await world.start(customer, "they bounced a cheque", wait=timedelta(seconds=60))

    assert started.created
    assert world.status(customer) == "proposed"
    await world.decline(customer)
    await world.in_status(customer, "declined")
    chains: list[str | UUID] = ["system", started.hold_id]
    assert [event for chain in chains for event in events(world, chain, "signal_refused")], handle.id


async def test_a_bad_start_of_a_message_ends_it_so_that_it_can_be_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_YOUNG", timedelta(0))
    customer = world.customer()
    await in_force(world, customer)
    [message, other] = [one["id"] for one in world.show(customer)["messages"]]
    handle = world.client.get_workflow_handle(message_workflow_id(message))
    good = json.loads((await anext(aiter_started(handle))).data)

    for bad in ([], [payload(b"{\x00")], [good | {"message_id": other}]):
        await handle.terminate("to start it badly")
        await world.client.start_workflow(
            "OutboundMessage", args=bad, id=handle.id, task_queue=world.settings.task_queue
        )
        with pytest.raises(WorkflowFailureError, match="failed"):
            await handle.result()
        await world.operations.reconcile(Mending.RESTART, actor="robin")
        assert await _is_running(handle)


async def aiter_started(handle: Any) -> Any:
    history = await handle.fetch_history()
    yield history.events[0].workflow_execution_started_event_attributes.input.payloads[0]


async def _is_running(handle: Any) -> bool:
    return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_runs_are_nobodys_but_who_asked_for_them(world: World) -> None:
    world.customer()
    queue, today = world.settings.task_queue, date.today()  # noqa: DTZ011 (any day will do)
    scan = ArAgingInput(requested_by="mike", as_of=today)
    await world.client.execute_workflow(AR_AGING, scan, id=f"scan-{uuid4()}", task_queue=queue)
    repair = ReconcileInput(mending=Mending.REPAIR, requested_by="mike")
    with pytest.raises(WorkflowFailureError):
        await world.client.execute_workflow(RECONCILE, repair, id=f"reconcile-{uuid4()}", task_queue=queue)

    assert [event.actor for event in events(world, "system", "ar_aging_started")] == ["schedule"]
    [hold] = rows(world, select(Hold))
    assert [event.actor for event in events(world, hold.id, "hold_proposed")] == ["schedule"]


async def test_cancelling_a_proposal_is_attributed_to_temporal(world: World) -> None:
    customer = world.customer()
    await world.start(customer)

    await world.workflow(customer).cancel(reason="tidying up")
    await world.in_status(customer, "withdrawn")

    [event] = events(world, holds_of(world, customer)[0].id, "hold_withdrawn")
    assert (event.actor, event.detail["why"]) == (
        "service-holds",
        "its workflow was cancelled in Temporal: tidying up",
    )


async def test_a_trigger_that_was_asked_for_counts_whoever_delivers_it(world: World) -> None:
    customer, asked = world.customer(), trigger(reason="a phone call")
    ask(world, customer, asked)

    await send(world, customer, Trigger.model_validate(asked.model_dump() | {"reason": "", "actor": "x"}), asked=False)

    await world.eventually(lambda: holds_of(world, customer))
    assert holds_of(world, customer)[0].reason == "a phone call"
    assert await status_of(world, customer) is WorkflowExecutionStatus.RUNNING
