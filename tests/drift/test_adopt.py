"""A customer that is ON in NetSuite without a hold here is listed and can be adopted."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from db.engine import transaction
from db.errors import NothingToAdoptError
from db.holds.awaiting import NoWorkerError
from db.models import Adoption, NetSuiteDrift
from services.holds.operations import Operations
from tests.drift.helpers import all_done, check, listed, operations, released, rows, says, written
from tests.holds.helpers import holds_of, workers
from tests.world import World


@pytest.fixture
def found_on(world: World) -> str:
    customer = world.customer()
    says(world, customer, "ON")
    return customer


async def test_it_is_listed_adopted_without_a_write_and_released_to_auto(world: World, found_on: str) -> None:
    assert (await check(world)).unheld >= 1
    [row] = listed(world, found_on)
    assert (row["customer_id"], row["hold_id"], row["found"], row["mend"]) == (found_on, None, "ON", "adopt")

    started = await operations(world).adopt(found_on, prior="AUTO", actor="robin", reason="on hold since spring")
    assert started.created
    assert listed(world, found_on) == []
    await world.approve(found_on)
    await all_done(world, found_on)
    shown = world.show(found_on)
    assert written(world, found_on) == []
    assert (shown["netsuite"]["prior"], shown["netsuite"]["value"]) == ("AUTO", "ON")
    assert "netsuite_hold_adopted" in world.audit(found_on)

    await released(world, found_on)
    assert written(world, found_on) == ["AUTO"]
    await check(world)
    assert listed(world, found_on) == []


async def test_a_hold_that_was_approved_over_an_on_can_still_be_told_what_to_restore(
    world: World, found_on: str
) -> None:
    await check(world)
    await world.start(found_on)
    await world.approve(found_on)
    await all_done(world, found_on)
    assert world.show(found_on)["netsuite"]["prior"] == "ON"

    await operations(world).adopt(found_on, prior="AUTO", actor="robin", reason="was ours all along")
    assert world.show(found_on)["netsuite"]["prior"] == "AUTO"
    await released(world, found_on)
    assert written(world, found_on) == ["AUTO"]


async def test_only_what_was_seen_on_is_adopted(world: World) -> None:
    customer = world.customer()
    await check(world)
    with pytest.raises(NothingToAdoptError, match="compared again"):
        await operations(world).adopt(customer, prior="AUTO", actor="robin", reason="a guess")


async def test_what_is_off_again_is_not_listed_any_more(world: World, found_on: str) -> None:
    await check(world)
    says(world, found_on, "AUTO")
    await check(world)
    assert listed(world, found_on) == []


async def test_a_declined_adoption_is_listed_again(world: World, found_on: str) -> None:
    await check(world)
    await operations(world).adopt(found_on, prior="AUTO", actor="robin", reason="on hold since spring")
    await check(world)
    assert listed(world, found_on) == []
    await world.decline(found_on)
    await world.in_status(found_on, "declined")
    await check(world)
    assert len(listed(world, found_on)) == 1


async def test_what_is_to_be_restored_stands_with_the_order_though_nobody_lived_to_hear_of_the_hold(
    idle_world: World,
) -> None:
    """The order is one row: a desk that dies after it has lost nothing, and the relay tells the hold."""
    world = idle_world
    customer = world.customer()
    says(world, customer, "ON")
    async with workers(world):
        await check(world)
    with pytest.raises(NoWorkerError):
        await Operations(world.engine, world.client, world.settings.task_queue).start_hold(
            customer, reason="on hold since spring", actor="robin", adopt_prior="AUTO", wait=timedelta(seconds=0.5)
        )

    async with workers(world):
        await world.eventually(lambda: holds_of(world, customer))
        assert "netsuite_hold_adopted" in world.audit(customer)
        await world.approve(customer)
        await all_done(world, customer)
        await released(world, customer)
    assert written(world, customer) == ["AUTO"]


async def test_the_newest_order_says_what_is_to_be_restored(world: World, found_on: str) -> None:
    await check(world)
    await world.start(found_on)
    for prior in ("OFF", "AUTO"):
        with transaction(world.engine) as session:  # as one who saw it before the first order came through
            session.execute(update(NetSuiteDrift).values(ended_at=None, settled_at=None, outcome=None))
        await operations(world).adopt(found_on, prior=prior, actor="robin", reason="was ours all along")
    assert [row.prior for row in rows(world, select(Adoption))] == ["AUTO"]
