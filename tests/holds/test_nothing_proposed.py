"""Runs that propose nothing: they end by themselves, and what reached them is kept."""

from uuid import uuid4

import pytest

from db.audit import SYSTEM
from db.errors import UnknownCustomerError
from tests.holds.helpers import events, holds_of, send, trigger, workers
from tests.world import World
from workflows.contract import SERVICE_HOLD, DecideSignal, ServiceHoldInput, service_hold_id


async def test_unknown_customer_is_refused_before_anything_is_started(world: World) -> None:
    with pytest.raises(UnknownCustomerError):
        await world.start("nobody")

    assert (await world.client.count_workflows('WorkflowId = "service-hold/nobody"')).count == 0


async def test_raw_trigger_for_an_unknown_customer_ends_with_an_audit_row(world: World) -> None:
    customer = f"unknown-{uuid4()}"
    await send(world, customer, trigger(), asked=False)

    outcome = await world.workflow(customer).result()

    assert outcome["hold_id"] is None
    assert "no customer" in outcome["detail"]
    [event] = events(world, SYSTEM, "trigger_refused")
    assert event.detail["customer_id"] == customer


async def test_workflow_started_without_a_trigger_ends(world: World) -> None:
    customer = world.customer()

    outcome = await world.client.execute_workflow(
        SERVICE_HOLD,
        ServiceHoldInput(customer_id=customer),
        id=service_hold_id(customer),
        task_queue=world.settings.task_queue,
    )

    assert (outcome["hold_id"], outcome["detail"]) == (None, "nothing proposed: no trigger")
    assert holds_of(world, customer) == []


async def test_signals_to_a_run_without_a_hold_are_audited(idle_world: World) -> None:
    world = idle_world
    customer = world.customer()
    handle = await world.client.start_workflow(
        SERVICE_HOLD,
        ServiceHoldInput(customer_id=customer),
        id=service_hold_id(customer),
        task_queue=world.settings.task_queue,
    )
    await handle.signal("decide", DecideSignal(decision_id=uuid4()))
    await handle.signal("decide", "approve")
    await handle.signal("release", "now")

    async with workers(world):
        await handle.result()

    found = [(event.detail["signal"], event.detail["customer_id"]) for event in events(world, SYSTEM, "signal_refused")]
    assert found == [("decide", customer), ("decide", customer), ("release", customer)]
