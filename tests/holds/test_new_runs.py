"""A run that is gone (terminated, reset, continued as new): the next one finds the hold and finishes what is left."""

from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from credit.states import Verdict
from db.models import (
    AuditEvent,
    AutoDecision,
    Decision,
    Hold,
    HoldBeat,
    HoldTrigger,
    Message,
    NetSuitePush,
    NetSuiteRecord,
    Proposal,
    ReflexionLog,
)
from tests.holds.helpers import (
    all_done,
    events,
    holds_of,
    in_force,
    knows,
    rows,
    send,
    signal_decision,
    status_of,
    trigger,
    trigger_row,
    until,
    write_decision,
)
from tests.world import World
from workflows.contract import message_workflow_id


async def new_run(world: World, customer: str) -> None:
    """End the run from outside, and start another by a trigger that becomes evidence."""
    found = trigger(reason="found by the new run")
    await world.workflow(customer).terminate()
    await send(world, customer, found)
    await world.eventually(lambda: trigger_row(world, found.id))
    run = (await world.workflow(customer).describe()).run_id
    [hold] = holds_of(world, customer)
    assert (trigger_row(world, found.id).hold_id, hold.run_id) == (hold.id, run)


async def test_new_run_takes_up_a_proposed_hold(world: World) -> None:
    customer = world.customer()
    await world.start(customer)

    await new_run(world, customer)

    await knows(world, customer, lambda state: state.status == "proposed")
    await world.approve(customer)
    await all_done(world, customer)


async def test_new_run_obeys_a_decision_that_the_one_before_never_saw(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)

    await new_run(world, customer)
    await signal_decision(world, customer, decision.id)

    await all_done(world, customer)


async def test_new_run_takes_up_an_applying_hold_and_finishes_its_beats(world: World) -> None:
    world.sandbox.faults(latency_ms=1000).raise_for_status()
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "applying")

    await new_run(world, customer)
    world.sandbox.clear_faults()

    await all_done(world, customer)
    assert len(world.sandbox.applied(customer)) == 1
    assert len(events(world, holds_of(world, customer)[0].id, "customer_flagged")) == 1


async def test_new_run_takes_up_a_hold_in_force_and_finishes_its_beats(world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    world.sandbox.seed([{"id": f"N-{customer}", "externalId": customer}]).raise_for_status()

    await new_run(world, customer)

    await all_done(world, customer)
    assert len(world.sandbox.applied(customer)) == 1
    assert len(events(world, holds_of(world, customer)[0].id, "hold_in_force")) == 1


async def test_new_run_of_a_finished_hold_does_nothing_twice_and_stays(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    before = everything(world)

    await new_run(world, customer)

    async def settled() -> bool:
        state = await world.state(customer)
        return state.status == "in_force" and {beat.status for beat in state.beats.values()} == {"done"}

    await until(settled)
    assert await status_of(world, customer) is WorkflowExecutionStatus.RUNNING
    after = everything(world)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "HoldTrigger": 1,
        "AuditEvent": 1,
    }
    assert len(world.sandbox.applied(customer)) == 1


def everything(world: World) -> dict[str, int]:
    """How many rows there are of each kind."""
    tables: list[Any] = [AuditEvent, AutoDecision, Decision, Hold, HoldBeat, HoldTrigger, Message, NetSuitePush]
    tables += [NetSuiteRecord, Proposal, ReflexionLog]
    return {table.__name__: rows(world, select(func.count()).select_from(table))[0] for table in tables}


async def reset_to_the_first_task(world: World, customer: str) -> WorkflowHandle[Any, Any]:
    """Reset as an operator does; the signals are applied again."""
    handle = world.workflow(customer)
    described = await handle.describe()
    history = await handle.fetch_history()
    first = next(one for one in history.events if one.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
    answer = await world.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=world.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=described.id, run_id=described.run_id),
            reason="a test",
            workflow_task_finish_event_id=first.event_id,
            request_id=str(uuid4()),
            reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_ALL_ELIGIBLE,
        )
    )
    return world.client.get_workflow_handle(described.id, run_id=answer.run_id)


async def test_reset_of_a_hold_in_force_ends_in_the_same_rows(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    before = everything(world)

    await reset_to_the_first_task(world, customer)

    async def settled() -> bool:
        state = await world.state(customer)
        return state.status == "in_force" and {beat.status for beat in state.beats.values()} == {"done"}

    await until(settled)
    assert everything(world) == before
    assert len(world.sandbox.applied(customer)) == 1
    messages = rows(world, select(Message.id))
    for message in messages:
        described = await world.client.get_workflow_handle(message_workflow_id(message)).describe()
        assert described.status is WorkflowExecutionStatus.RUNNING


async def test_reset_of_a_declined_hold_proposes_nothing_anew(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.decline(customer)
    await world.workflow(customer).result()
    before = everything(world)

    again = await reset_to_the_first_task(world, customer)

    assert (await again.result())["status"] in (None, "declined")
    assert world.show(customer)["status"] == "declined"
    after = everything(world)
    assert after == before | {"AuditEvent": after["AuditEvent"]}


async def test_hold_in_force_continues_as_new_with_its_beats_unfinished(world: World) -> None:
    """The server suggests a fresh history at 4,096 events; here a workflow does as if."""
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await world.approve(customer)
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    first = (await world.workflow(customer).describe()).run_id
    world.sandbox.seed([{"id": f"N-{customer}", "externalId": customer}]).raise_for_status()

    for _ in range(24):
        await world.workflow(customer).signal("trigger", "x" * 180_000)

    async def continued() -> bool:
        return (await world.workflow(customer).describe()).run_id != first

    await until(continued)
    await all_done(world, customer)
    assert len(world.sandbox.applied(customer)) == 1
    await world.eventually(lambda: len(events(world, holds_of(world, customer)[0].id, "signal_refused")) == 24)
