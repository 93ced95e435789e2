"""The grace after a release, in days and in percent; and what the next proposal says of the holds before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from credit.triggers import TriggerKind
from services.holds.operations import TriggerTurnedAwayError
from tests.holds.helpers import bill, in_force, pay
from tests.world import World


async def released(world: World, *, paid_meanwhile: str | None = None) -> str:
    """A customer that owed 100,000.00 and was released."""
    customer = world.customer(amount="100000.00")
    await in_force(world, customer)
    await world.operations.request_release(customer, reason="they promised", actor="robin")
    if paid_meanwhile:
        pay(world, customer, paid_meanwhile)
    await world.approve(customer)
    await world.in_status(customer, "released")
    return customer


async def scan(world: World) -> dict[str, int]:
    return (await world.operations.scan(datetime.now(UTC).date(), actor="robin")).counts


async def test_scan_leaves_a_released_customer_alone_until_it_owes_the_share_more(world: World) -> None:
    world.set_policy(worsened_share="0", release_grace_worsened_share="0.5")
    customer = await released(world)
    assert await scan(world) == {"in_grace": 1}

    bill(world, customer, "49999.99")
    assert await scan(world) == {"in_grace": 1}

    bill(world, customer, "0.01")
    assert await scan(world) == {"proposed": 1}


async def test_trigger_by_itself_meets_the_same_grace(world: World) -> None:
    customer = await released(world)
    with pytest.raises(TriggerTurnedAwayError, match="in the grace after a release"):
        await world.start(customer, kind=TriggerKind.AR_AGING)
    bill(world, customer, "25000")
    assert (await world.start(customer, kind=TriggerKind.AR_AGING)).created


async def test_growth_counts_from_what_was_open_at_the_release_not_when_it_was_asked_for(world: World) -> None:
    customer = await released(world, paid_meanwhile="60000.00")
    assert await scan(world) == {"in_grace": 1}
    bill(world, customer, "10000.00")

    assert await scan(world) == {"proposed": 1}


async def test_grace_ends_after_its_days(world: World) -> None:
    world.set_policy(release_grace=timedelta(0))
    await released(world)
    assert await scan(world) == {"proposed": 1}


async def test_next_proposal_shows_the_holds_before(world: World) -> None:
    customer = await released(world)
    first = world.show(customer)

    await world.start(customer, reason="again")
    second = world.show(customer)

    (past,) = second["prior_holds_detail"]
    wanted: dict[str, Any] = {
        "id": first["id"],
        "proposed_at": first["proposed_at"],
        "in_force_at": first["in_force_at"],
        "ended_at": first["closed_at"],
        "days_held": 0,
        "status": "released",
        "reason": "a phone call revealed trouble",
        "end_cause": "person",
        "end_reason": "they promised",
    }
    assert past == wanted
    assert "Held before: 0 days from " in second["proposal"]["note"]
    assert "released (asked for by a person: they promised)" in second["proposal"]["note"]
    assert world.show(first["id"])["prior_holds_detail"] == []


async def test_declined_proposal_is_no_prior_hold(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    await world.start(customer)

    shown = world.show(customer)

    assert shown["prior_holds_detail"] == []
    assert "Held before" not in shown["proposal"]["note"]
    assert "Decided before" in shown["proposal"]["note"]
