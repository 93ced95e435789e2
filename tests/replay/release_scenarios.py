"""Short lives that end in a release, or in a beat that a person ended. Each gives the workflow to keep."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from credit.states import Beat
from tests.holds.helpers import activities_done, all_done, in_force, knows, until, workers
from tests.world import World

Handle = WorkflowHandle[Any, Any]


async def released_by_a_person(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        await _ask(world, customer)
        await world.decline(customer)
        await knows(world, customer, lambda state: state.waiting_on == "nobody")
        await _ask(world, customer)
        await world.approve(customer)
        await world.workflow(customer).result()
    return world.workflow(customer)


async def release_taken_back(world: World) -> Handle:
    """Approved, taken back before it takes effect, approved once more."""
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        world.set_policy(approval_undo=timedelta(seconds=5))
        await _ask(world, customer)
        await world.approve(customer)
        await _settled(world, customer, 2)  # the placing, and this one that waits
        await world.operations.undo(customer, actor="mike", reason="wrong customer")
        await _settled(world, customer, 3)
        world.set_policy(approval_undo=timedelta(0))
        await world.approve(customer)
        await world.workflow(customer).result()
    return world.workflow(customer)


async def released_while_beats_are_under_way(world: World) -> Handle:
    """NetSuite is down: the push is stopped, and the restoring waits until it answers."""
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.approve(customer)
        await world.in_status(customer, "in_force")
        await _ask(world, customer)
        await world.approve(customer)
        await knows(world, customer, lambda state: _stands(state.beats, Beat.RESTORE_NETSUITE) == "retrying")
        world.sandbox.clear_faults()
        await world.operations.retry_beat(customer, beat=None, actor="olga")
        await world.workflow(customer).result()
    return world.workflow(customer)


async def beat_skipped(world: World) -> Handle:
    world.sandbox.faults(outage=True).raise_for_status()
    customer = await _stuck(world)
    async with workers(world):
        await world.operations.skip_beat(customer, beat=Beat.PUSH_NETSUITE, actor="olga", reason="set by hand")
        await knows(world, customer, lambda state: _stands(state.beats, Beat.PUSH_NETSUITE) == "skipped")
    return world.workflow(customer)


async def beat_cancelled_then_retried(world: World) -> Handle:
    world.sandbox.faults(outage=True).raise_for_status()
    customer = await _stuck(world)
    async with workers(world):
        await world.operations.cancel_beat(customer, beat=Beat.PUSH_NETSUITE, actor="olga", reason="their migration")
        await knows(world, customer, lambda state: _stands(state.beats, Beat.PUSH_NETSUITE) == "needs_attention")
        world.sandbox.clear_faults()
        await world.operations.retry_beat(customer, beat=Beat.PUSH_NETSUITE, actor="olga")
        await all_done(world, customer)
    return world.workflow(customer)


async def expired_after_escalation(world: World) -> Handle:
    """Reminded, escalated, expired: three timers."""
    world.set_policy(
        remind_after=timedelta(seconds=1),
        escalate_after=timedelta(seconds=1.5),
        proposal_expires_after=timedelta(seconds=4),
    )
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.workflow(customer).result()
    assert {"approvers_reminded", "proposal_escalated"} <= set(world.audit(customer))
    return world.workflow(customer)


async def _ask(world: World, customer: str) -> None:
    await world.operations.request_release(customer, reason="they paid", actor="robin")


async def _stuck(world: World) -> str:
    """A hold whose push is tried again and again."""
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.approve(customer)
        await world.in_status(customer, "in_force")
        await knows(world, customer, lambda state: _stands(state.beats, Beat.PUSH_NETSUITE) == "retrying")
    return customer


async def _settled(world: World, customer: str, times: int) -> None:
    async def settled() -> bool:
        return await activities_done(world, customer, "settle_decision") >= times

    await until(settled)


def _stands(beats: dict[Beat, Any], beat: Beat) -> str | None:
    return beats[beat].status if beat in beats else None


RELEASE_SCENARIOS: tuple[Callable[[World], Awaitable[Handle]], ...] = (
    released_by_a_person,
    release_taken_back,
    released_while_beats_are_under_way,
    beat_skipped,
    beat_cancelled_then_retried,
    expired_after_escalation,
)
