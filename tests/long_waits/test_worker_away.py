"""A worker that is away while a due date passes: on return nothing is lost and nothing happens twice."""

from datetime import timedelta
from functools import partial

import pytest

import worker
from credit.states import Verdict
from tests.holds.helpers import activities_run, all_done, events, holds_of, until, workers, write_decision
from tests.holds.test_relay import relaying
from tests.long_waits.conftest import Clock
from tests.long_waits.helpers import proposal_of, untouched
from tests.world import World

MONTH = timedelta(days=30)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def no_sticky_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real server soon gives up on the own queue of a worker that has left; this one waits for it for ever."""
    monkeypatch.setattr(worker, "Worker", partial(worker.Worker, max_cached_workflows=0))


async def due_and_alone(world: World, clock: Clock) -> str:
    """A customer whose proposal was opened by a worker that left, and has come to its due date since.

    Here time stands still once something waits for a worker: the due date passes, and the clock not beyond it. So
    nobody is reminded before.
    """
    world.set_policy(remind_after=None, escalate_after=None)
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
    await clock.until(proposal_of(world, customer).due_at)

    async def due() -> bool:
        history = await world.workflow(customer).fetch_history()
        return any(event.HasField("timer_fired_event_attributes") for event in history.events)

    await until(due)
    assert world.status(customer) == "proposed"
    return customer


async def test_due_date_that_passed_without_a_worker_expires_the_proposal_once(idle_world: World, clock: Clock) -> None:
    world = idle_world
    customer = await due_and_alone(world, clock)

    async with workers(world):
        await world.in_status(customer, "expired")
        assert (await world.workflow(customer).result())["status"] == "expired"
        await clock.skip(MONTH)

    [hold] = holds_of(world, customer)
    assert hold.closed_at is not None
    assert hold.closed_at >= proposal_of(world, customer).due_at
    assert len(events(world, hold.id, "hold_expired")) == 1
    assert await activities_run(world, customer, "close_proposal") == 1
    assert untouched(world, customer)


async def test_approval_written_meanwhile_wins_over_the_due_date(idle_world: World, clock: Clock) -> None:
    world = idle_world
    customer = await due_and_alone(world, clock)
    write_decision(world, customer, Verdict.APPROVE)

    async with workers(world), relaying(world):
        await all_done(world, customer)
        await clock.skip(WEEK)  # a hold in force looks at its facts each day

    [hold] = holds_of(world, customer)
    assert hold.status == "in_force"
    assert events(world, hold.id, "hold_expired") == []
    assert len(world.sandbox.applied(customer)) == 1
