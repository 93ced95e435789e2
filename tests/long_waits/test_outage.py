"""NetSuite away for days: the hold is in force at once, and NetSuite is written once, when it is back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from db.models import HoldBeat, NetSuitePush, NetSuiteRecord
from tests.holds.helpers import activities_run, all_done, events, holds_of, rows
from tests.long_waits.conftest import Clock
from tests.long_waits.helpers import details
from tests.world import World
from workflows import policies

PUSH = "push_netsuite"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
EVENTS_LIMIT = 51_200
"""Where a Temporal server terminates a workflow (`limit.historyCount.error`)."""

ASKED = 9 * MINUTE
"""A pause that NetSuite asks for with Retry-After."""


def a_round() -> tuple[int, timedelta]:
    """How many attempts a round of the policy has, and how long it lasts with the pause after it.

    Temporal ends a round early where the next attempt would begin after its time.
    """
    options = policies.NETSUITE_ROUND
    retry, whole = options["retry_policy"], options["schedule_to_close_timeout"]
    attempts, at, pause = 1, timedelta(), retry.initial_interval
    while at + pause < whole:
        attempts, at = attempts + 1, at + pause
        pause = min(pause * retry.backoff_coefficient, retry.maximum_interval or pause * retry.backoff_coefficient)
    return attempts, at + policies.BETWEEN_ROUNDS


async def approved_in_an_outage(world: World) -> str:
    """A customer whose hold was approved while NetSuite was away; in force all the same, with everything but beat 4."""
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    assert world.customer_row(customer).entitystatus == "hold"
    await world.eventually(lambda: len(world.show(customer)["messages"]) == 2)
    await world.eventually(lambda: world.beat(customer, PUSH)["status"] == "retrying")
    return customer


async def keeps_waiting(world: World, customer: str, error: str) -> None:
    """Still in force, and everybody can see that it waits for NetSuite, and why."""
    hold, beat = world.show(customer), world.beat(customer, PUSH)
    assert (hold["status"], hold["waiting_on"], beat["status"]) == ("in_force", "netsuite", "retrying")
    assert error in str(beat["last_error"])
    state = await world.state(customer)
    assert (state.waiting_on, state.beats[PUSH].status) == ("netsuite", "retrying")
    assert error in str(state.beats[PUSH].last_error)
    assert error in await details(world, customer)
    assert world.sandbox.applied(customer) == []


async def number_of_events(world: World, customer: str) -> int:
    return len((await world.workflow(customer).fetch_history()).events)


async def has_met(world: World, customer: str, clock: Clock, error: str) -> None:
    """Skip hours until the workflow has its text from a round that met only this error: the third at most."""
    for _ in range(6):
        await clock.skip(HOUR, step=HOUR)
        if error in str((await world.state(customer)).beats[PUSH].last_error):
            break
    await keeps_waiting(world, customer, error)


async def back_again(world: World, customer: str, clock: Clock, within: timedelta) -> None:
    """NetSuite returns: the next attempt writes, once."""
    world.sandbox.clear_faults()
    returned = await clock.now()
    await clock.skip(within + policies.BETWEEN_ROUNDS)
    await all_done(world, customer)

    assert [row["body"] for row in world.sandbox.applied(customer)] == [{"creditHoldOverride": {"id": "ON"}}]
    assert len(rows(world, select(NetSuitePush))) == 1
    [record] = rows(world, select(NetSuiteRecord))
    assert (record.prior, record.value) == ("AUTO", "ON")
    [beat] = rows(world, select(HoldBeat).where(HoldBeat.beat == PUSH))
    assert beat.last_error is None
    assert returned <= beat.done_at <= await clock.now()
    assert returned <= record.read_back_at <= beat.done_at
    assert (await world.state(customer)).waiting_on == "nobody"


async def test_outage_of_two_hours_is_retried_at_the_policys_pace(world: World, clock: Clock) -> None:
    customer = await approved_in_an_outage(world)
    attempts, lasting = a_round()
    assert policies.NETSUITE_ROUND["retry_policy"].maximum_interval == MINUTE
    assert (attempts, lasting) == (35, timedelta(seconds=1744))
    before, since = world.beat(customer, PUSH)["attempts"], await clock.now()

    await clock.skip(2 * HOUR, step=HOUR)
    made, took = world.beat(customer, PUSH)["attempts"] - before, await clock.now() - since

    expected = attempts * (took / lasting)
    assert expected * 0.9 < made < expected * 1.1  # 144 in two hours
    assert made / (took / MINUTE) < 1.25  # the first seconds of each round are quicker than one a minute
    await keeps_waiting(world, customer, "503")
    [hold] = holds_of(world, customer)
    assert len(events(world, hold.id, "beat_failed")) == 1  # one error, however often
    await back_again(world, customer, clock, within=MINUTE)


async def test_outage_of_48_hours_ends_in_one_write_and_a_history_within_limits(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NetSuite asks for nine minutes between attempts: some 320 real ones instead of 3,500. It is the rounds that make
    the history, so what one of them costs tells what the policy's own pace does.
    """
    monkeypatch.setattr("netsuite.answers.retry_after", lambda _: ASKED)
    customer = await approved_in_an_outage(world)
    before, rounds_before = await number_of_events(world, customer), await activities_run(world, customer, PUSH)
    await clock.skip(24 * HOUR, step=HOUR)
    await keeps_waiting(world, customer, "503")

    world.sandbox.faults(outage=False, error_rate=1.0, error_status=502).raise_for_status()
    await has_met(world, customer, clock, "502")
    world.sandbox.faults(outage=True, error_rate=0.0).raise_for_status()
    await clock.skip(21 * HOUR, step=HOUR)
    await has_met(world, customer, clock, "503")

    rounds = await activities_run(world, customer, PUSH) - rounds_before
    per_round = (await number_of_events(world, customer) - before) / rounds
    assert 10.5 < per_round < 11.5  # 11: an activity, a pause, and the workflow tasks after each
    of_thirty_days = per_round * (timedelta(days=30) / a_round()[1])
    assert of_thirty_days < EVENTS_LIMIT / 2  # 16,400 at the policy's own pace
    assert world.beat(customer, PUSH)["attempts"] > 48 * HOUR / ASKED * 0.9
    await back_again(world, customer, clock, within=ASKED)
