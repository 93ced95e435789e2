"""A hold whose history is full goes on in a fresh one, and nothing is lost on the way."""

import asyncio
from uuid import uuid4

from credit.triggers import Trigger
from tests.holds.helpers import evidence_of, send, trigger, until
from tests.world import World
from workflows.contract import service_hold_id


async def runs_of_id(world: World, workflow_id: str) -> int:
    """How many runs a workflow had."""
    query = f"WorkflowId = '{workflow_id}'"
    return len([execution.run_id async for execution in world.client.list_workflows(query)])


async def runs_of(world: World, customer: str) -> int:
    """How many runs the hold's workflow had."""
    return await runs_of_id(world, service_hold_id(customer))


async def is_in(world: World, customer: str, status: str) -> bool:
    """Whether the workflow says so; a fresh run says nothing before it has taken up the record."""
    return (await world.state(customer)).status == status


async def stream(world: World, customer: str, count: int) -> list[Trigger]:
    sent = [trigger(reason=f"evidence {uuid4()}") for _ in range(count)]
    for one in sent:
        await send(world, customer, one)
        await asyncio.sleep(0.02)
    return sent


async def test_proposal_outlives_full_histories_and_loses_no_signal(running: World) -> None:
    customer = running.customer()
    started = await running.start(customer)

    sent = await stream(running, customer, 90)

    await running.eventually(lambda: evidence_of(running, customer) == len(sent) + 1)
    hold = running.show(customer)
    assert hold["id"] == str(started.hold_id)
    assert {row["reason"] for row in hold["evidence"]} >= {one.reason for one in sent}
    await until(lambda: is_in(running, customer, "proposed"))
    await running.approve(customer)
    await running.in_status(customer, "in_force")
    assert await runs_of(running, customer) > 1


async def test_beat_in_flight_goes_on_in_the_fresh_history_and_writes_once(running: World) -> None:
    customer = running.customer()
    await running.start(customer)
    running.sandbox.faults(outage=True)
    await running.approve(customer)
    await running.in_status(customer, "in_force")

    sent = await stream(running, customer, 90)
    await running.eventually(lambda: evidence_of(running, customer) == len(sent) + 1)
    assert await runs_of(running, customer) > 1
    running.sandbox.clear_faults()

    await running.eventually(lambda: running.beat(customer, "push_netsuite")["status"] == "done")
    hold = running.show(customer)
    assert [beat["status"] for beat in hold["beats"]] == ["done"] * 4
    assert len(running.sandbox.applied(customer)) == 1
    assert (hold["netsuite"]["prior"], hold["netsuite"]["value"]) == ("AUTO", "ON")
    assert len(hold["messages"]) == 2
    await until(lambda: is_in(running, customer, "in_force"))


async def test_history_that_fills_with_retries_alone_is_renewed_too(running: World) -> None:
    """An outage of months sends no event to the hold's inbox: its history must be renewed all the same."""
    customer = running.customer()
    await running.start(customer)
    running.sandbox.faults(outage=True)
    await running.approve(customer)
    await running.in_status(customer, "in_force")

    async def renewed() -> bool:
        await running.operations.retry_beat(customer, beat=None, actor="robin")
        return await runs_of(running, customer) > 1

    await until(renewed)
    running.sandbox.clear_faults()

    await running.eventually(lambda: running.beat(customer, "push_netsuite")["status"] == "done")
    assert len(running.sandbox.applied(customer)) == 1


async def test_fifty_fresh_histories_under_a_stream_of_signals_lose_none(running: World) -> None:
    customer = running.customer()
    started = await running.start(customer)
    await running.approve(customer)
    await running.in_status(customer, "in_force")
    sent: list[Trigger] = []
    while await runs_of(running, customer) <= 50:
        sent += await stream(running, customer, 10)
        await running.eventually(lambda: evidence_of(running, customer) > len(sent) - 10)  # noqa: B023
    await running.eventually(lambda: evidence_of(running, customer) > len(sent))

    hold = running.show(customer)
    assert (hold["id"], hold["status"]) == (str(started.hold_id), "in_force")
    received = [row["reason"] for row in hold["evidence"]]
    assert sorted(received[1:]) == sorted(one.reason for one in sent)
    assert len(running.sandbox.applied(f"N-{customer}")) == 1
    await until(lambda: is_in(running, customer, "in_force"))
