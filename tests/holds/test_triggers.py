"""What a trigger does in each state of a hold: the table at the top of `workflows/service_hold.py`."""

import asyncio
from contextlib import suppress

from sqlalchemy import select

from credit.states import Verdict
from credit.triggers import TriggerKind
from db.errors import ClaimedByAnotherError, NothingToDecideError, StaleRevisionError
from db.models import HoldTrigger
from services.holds.operations import Started
from tests.holds.helpers import (
    all_done,
    holds_of,
    rows,
    send,
    signal_decision,
    trigger,
    trigger_row,
    until,
    workers,
    write_decision,
)
from tests.world import World


async def test_trigger_while_proposed_is_evidence_and_starts_nothing(world: World) -> None:
    customer = world.customer()
    first = await world.start(customer)
    second = await world.start(customer, reason="another call")

    assert (second.created, second.hold_id) == (False, first.hold_id)
    assert [row["reason"] for row in world.show(customer)["evidence"]][1:] == ["another call"]
    assert len(holds_of(world, customer)) == 1


async def test_triggers_at_the_same_moment_open_one_hold(world: World) -> None:
    customer = world.customer()

    started = await asyncio.gather(*(world.start(customer) for _ in range(20)))

    assert {one.hold_id for one in started} == {holds_of(world, customer)[0].id}
    assert [one.created for one in started].count(True) == 1
    assert len(world.show(customer)["evidence"]) == 20


async def test_trigger_while_applying_is_evidence(world: World) -> None:
    world.sandbox.faults(latency_ms=1000).raise_for_status()
    customer = world.customer()
    started = await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "applying")

    again = await world.start(customer)

    assert (again.created, again.hold_id) == (False, started.hold_id)
    assert world.show(customer)["status"] == "applying"
    world.sandbox.clear_faults()
    await all_done(world, customer)


async def test_trigger_while_in_force_is_evidence(world: World) -> None:
    customer = world.customer()
    started = await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")

    again = await world.start(customer, kind=TriggerKind.AR_AGING)

    assert (again.created, again.hold_id) == (False, started.hold_id)
    assert world.audit(customer)[-1] == "evidence_added"
    assert (await world.state(customer)).status == "in_force"
    assert len(holds_of(world, customer)) == 1


async def decline_and_trigger_waiting(world: World, customer: str, *, late: object, decide_first: bool) -> None:
    """Stop the worker on a proposal; let its decline and a trigger wait; start the worker again."""
    async with workers(world):
        await world.start(customer)
    decision = write_decision(world, customer, Verdict.DECLINE)
    sends = [signal_decision(world, customer, decision.id), send(world, customer, late)]
    for one in sends if decide_first else reversed(sends):
        await one
    async with workers(world):
        await world.eventually(lambda: trigger_row(world, late.id))


async def test_manual_trigger_arriving_with_the_decline_opens_a_fresh_proposal(idle_world: World) -> None:
    for decide_first in (True, False):
        customer, late = idle_world.customer(), trigger()

        await decline_and_trigger_waiting(idle_world, customer, late=late, decide_first=decide_first)

        declined, fresh = holds_of(idle_world, customer)
        assert (declined.status, fresh.status) == ("declined", "proposed")
        row = trigger_row(idle_world, late.id)
        assert (row.hold_id, row.opened) == (fresh.id, True)


async def test_automatic_trigger_arriving_with_the_decline_is_turned_away_and_recorded(idle_world: World) -> None:
    for decide_first in (True, False):
        customer, late = idle_world.customer(), trigger(TriggerKind.AR_AGING)

        await decline_and_trigger_waiting(idle_world, customer, late=late, decide_first=decide_first)

        [declined] = holds_of(idle_world, customer)
        assert declined.status == "declined"
        row = trigger_row(idle_world, late.id)
        assert (row.hold_id, row.refusal) == (None, "snoozed after a decline")


async def test_trigger_taken_up_by_a_new_run_after_the_decline_opens_a_fresh_proposal(idle_world: World) -> None:
    """The run that the decline was meant for is gone; the next one finds the hold open and decided against."""
    world, customer, late = idle_world, idle_world.customer(), trigger()
    async with workers(world):
        await world.start(customer)
    decision = write_decision(world, customer, Verdict.DECLINE)
    await world.workflow(customer).terminate()
    await send(world, customer, late)

    async with workers(world):
        await until(lambda: world.workflow(customer).query("state"))
        await signal_decision(world, customer, decision.id)
        await world.eventually(lambda: trigger_row(world, late.id))

    declined, fresh = holds_of(world, customer)
    assert (declined.status, fresh.status, trigger_row(world, late.id).hold_id) == ("declined", "proposed", fresh.id)


async def test_repeated_trigger_of_a_declined_hold_opens_nothing(world: World) -> None:
    customer, first = world.customer(), trigger()
    await send(world, customer, first)
    await world.eventually(lambda: trigger_row(world, first.id))
    await world.decline(customer)
    await world.workflow(customer).result()

    await send(world, customer, first)

    outcome = await world.workflow(customer).result()
    assert outcome["hold_id"] is None
    assert len(holds_of(world, customer)) == 1


async def test_no_trigger_is_lost_when_triggers_race_with_declines(world: World) -> None:
    customers = [world.customer() for _ in range(20)]
    for customer in customers:
        await world.start(customer)

    async def decline(customer: str) -> None:
        with suppress(ClaimedByAnotherError, NothingToDecideError, StaleRevisionError):
            await world.decline(customer)

    async def race(number: int, customer: str) -> list[Started]:
        async def later(step: int) -> Started:
            await asyncio.sleep(0.02 * ((number + step * 7) % 20))
            return await world.start(customer)

        _, *started = await asyncio.gather(decline(customer), *(later(step) for step in range(3)))
        return started

    raced = await asyncio.gather(*(race(number, customer) for number, customer in enumerate(customers)))

    fresh = 0
    for customer, started in zip(customers, raced, strict=True):
        found = [hold.id for hold in holds_of(world, customer)]
        assert {one.hold_id for one in started} <= set(found)
        kept = rows(world, select(HoldTrigger.id).where(HoldTrigger.customer_id == customer))
        assert len(kept) == 4
        fresh += len(found) - 1
    assert fresh > 0, "no trigger met a decline: the race was not run"
