"""Beat 4: NetSuite is written exactly once, however it fails, and meanwhile everybody can see why it waits."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import netsuite
from db.models import NetSuitePush, NetSuiteRecord
from tests.holds.helpers import all_done, events, holds_of, rows, shows, timers, until, workers
from tests.world import World

PUSH = "push_netsuite"


def record(world: World) -> NetSuiteRecord:
    [row] = rows(world, select(NetSuiteRecord))
    return row


async def approved(world: World, customer: str) -> None:
    await world.start(customer)
    await world.approve(customer)


async def test_outage_leaves_the_hold_in_force_and_retrying_until_it_is_written_once(world: World) -> None:
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    await approved(world, customer)

    await world.in_status(customer, "in_force")

    assert world.customer_row(customer).entitystatus == "hold"
    await shows(world, customer, HoldStatus="in_force", NetSuitePush="retrying", WaitingOn="netsuite")
    state = await world.state(customer)
    assert (state.waiting_on, state.beats[PUSH].status) == ("netsuite", "retrying")
    assert "503" in str(state.beats[PUSH].last_error)
    await world.eventually(lambda: world.beat(customer, PUSH)["attempts"] >= 2)
    hold = world.show(customer)
    assert hold["waiting_on"] == "netsuite"
    assert "503" in world.beat(customer, PUSH)["last_error"]
    assert world.sandbox.applied(customer) == []

    world.sandbox.clear_faults()
    await all_done(world, customer)

    assert len(world.sandbox.applied(customer)) == 1
    assert world.beat(customer, PUSH)["last_error"] is None
    await shows(world, customer, NetSuitePush="done", WaitingOn="nobody")
    assert (record(world).prior, record(world).value) == ("AUTO", "ON")


async def test_repeated_error_is_audited_once(world: World) -> None:
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    await approved(world, customer)
    await world.eventually(lambda: world.beat(customer, PUSH)["attempts"] >= 3)

    assert len(events(world, holds_of(world, customer)[0].id, "beat_failed")) == 1


async def test_write_whose_answer_was_lost_is_not_repeated_and_the_prior_value_stands(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    world.sandbox.faults(commit_then_timeout_rate=1.0).raise_for_status()
    async with workers(world):
        await approved(world, customer)
        await all_done(world, customer)

    assert [row["body"] for row in world.sandbox.applied(customer)] == [{"creditHoldOverride": {"id": "ON"}}]
    assert (record(world).prior, record(world).value) == ("AUTO", "ON")
    [push] = rows(world, select(NetSuitePush))
    assert push.outcome == "OutcomeUnknown"


async def test_write_that_a_page_answered_is_read_back_first(world: World) -> None:
    customer = world.customer()
    world.sandbox.faults(commit_then_page_rate=1.0).raise_for_status()
    await approved(world, customer)
    await all_done(world, customer)

    assert [row["body"] for row in world.sandbox.applied(customer)] == [{"creditHoldOverride": {"id": "ON"}}]
    [push] = rows(world, select(NetSuitePush))
    assert push.outcome == "ServerFailure"


@pytest.mark.parametrize(
    "faults",
    [
        {"reset_rate": 1.0},
        {"error_rate": 1.0},
        {"max_concurrency": 0},
        {"maintenance": "page"},
        {"maintenance": "redirect"},
    ],
)
async def test_every_passing_fault_ends_in_one_write(world: World, faults: dict[str, Any]) -> None:
    world.sandbox.faults(**faults).raise_for_status()
    customer = world.customer()
    await approved(world, customer)
    await world.eventually(lambda: world.beat(customer, PUSH)["last_error"])

    world.sandbox.clear_faults()
    await all_done(world, customer)

    assert len(world.sandbox.applied(customer)) == 1


async def test_many_pushes_at_once_against_a_small_limit_are_each_written_once(world: World) -> None:
    world.sandbox.faults(max_concurrency=1, latency_ms=20).raise_for_status()
    customers = [world.customer() for _ in range(6)]
    await asyncio.gather(*(approved(world, customer) for customer in customers))

    for customer in customers:
        await all_done(world, customer)

    assert [len(world.sandbox.applied(customer)) for customer in customers] == [1] * 6


async def test_record_that_says_on_already_is_noted_and_not_written(world: World) -> None:
    customer = world.customer()
    world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": "ON"}]).raise_for_status()
    await approved(world, customer)

    await all_done(world, customer)

    assert world.sandbox.applied(customer) == []
    assert (record(world).prior, record(world).value) == ("ON", "ON")
    [event] = events(world, holds_of(world, customer)[0].id, "netsuite_read_back")
    assert event.detail["how"] == "already_set"


async def test_prior_value_is_noted_before_the_write_and_once(idle_world: World) -> None:
    """OFF at first; somebody sets AUTO after the first attempt was lost. What was found first is the prior value."""
    world, customer = idle_world, idle_world.customer()
    world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": "OFF"}]).raise_for_status()
    world.sandbox.faults(commit_then_timeout_rate=1.0).raise_for_status()
    async with workers(world):
        await approved(world, customer)
        await world.eventually(lambda: world.sandbox.applied(customer))
        world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": "AUTO"}]).raise_for_status()
        world.sandbox.clear_faults()
        await all_done(world, customer)

    assert (record(world).prior, record(world).value) == ("OFF", "ON")


async def test_pushes_to_one_record_queue_behind_each_other(world: World) -> None:
    customer = world.customer()
    with netsuite.serialized(world.engine, f"N-{customer}"):
        await approved(world, customer)
        await world.eventually(lambda: "under way" in str(world.beat(customer, PUSH)["last_error"]))
        assert world.sandbox.ledger(customer) == []

    await all_done(world, customer)

    assert len(world.sandbox.applied(customer)) == 1


async def test_retry_during_a_long_backoff_runs_at_once_and_keeps_the_error_in_sight(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netsuite.errors.ServerFailure.__init__", _asking_to_wait(timedelta(minutes=10)))
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    await approved(world, customer)

    async def says_why() -> bool:
        return "503" in str((await world.state(customer)).beats[PUSH].last_error)

    await until(says_why)  # the row has the error before the workflow has heard of it

    await world.operations.retry_beat(customer, beat=PUSH, actor="olga", reason="told it is back")
    await world.eventually(lambda: world.beat(customer, PUSH)["attempts"] == 2)
    assert await says_why()

    world.sandbox.clear_faults()
    await world.operations.retry_beat(customer, beat=None, actor="olga")
    await all_done(world, customer)
    assert len(world.sandbox.applied(customer)) == 1
    assert world.audit(customer).count("beat_retried") == 2


async def test_netsuites_own_wait_is_kept_between_the_first_try_and_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = timedelta(hours=1)
    monkeypatch.setattr("netsuite.errors.ServerFailure.__init__", _asking_to_wait(wait))
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    await approved(world, customer)
    await world.in_status(customer, "in_force")

    async def waits() -> bool:
        return wait in await timers(world.workflow(customer))

    await until(waits)
    assert world.beat(customer, PUSH)["attempts"] == 1
    world.sandbox.clear_faults()
    await world.operations.retry_beat(customer, beat=PUSH, actor="olga")
    await all_done(world, customer)


def _asking_to_wait(wait: timedelta) -> object:
    def init(self: Exception, what: str, **known: object) -> None:
        super(type(self), self).__init__(what, **(known | {"retry_after": wait}))

    return init
