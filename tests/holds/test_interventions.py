"""A person stops a beat, leaves it out, or lets it be tried again."""

import pytest

from credit.states import Beat
from db.errors import NothingToDecideError
from tests.holds.helpers import all_done, knows
from tests.world import World


@pytest.fixture
async def stuck(world: World) -> str:
    """A customer whose hold is in force while NetSuite is down."""
    world.sandbox.faults(outage=True)
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "retrying")
    return customer


async def test_a_skipped_beat_is_over_and_says_why(world: World, stuck: str) -> None:
    await world.operations.skip_beat(stuck, beat=Beat.PUSH_NETSUITE, actor="mike", reason="set by hand")

    beat = world.beat(stuck, "push_netsuite")
    assert (beat["status"], beat["last_error"]) == ("skipped", "skipped by mike: set by hand")
    assert world.show(stuck)["waiting_on"] == "nobody"
    await knows(world, stuck, lambda state: state.beats[Beat.PUSH_NETSUITE].status == "skipped")
    world.sandbox.clear_faults()
    with pytest.raises(NothingToDecideError):
        await world.operations.retry_beat(stuck, beat=Beat.PUSH_NETSUITE, actor="mike")
    assert world.sandbox.applied(f"N-{stuck}") == []


async def test_a_cancelled_beat_is_not_tried_before_it_is_retried(world: World, stuck: str) -> None:
    await world.operations.cancel_beat(stuck, beat=Beat.PUSH_NETSUITE, actor="mike", reason="their migration")

    await knows(world, stuck, lambda state: state.beats[Beat.PUSH_NETSUITE].status == "needs_attention")
    beat = world.beat(stuck, "push_netsuite")
    assert (beat["status"], beat["last_error"]) == ("needs_attention", "cancelled by mike: their migration")
    world.sandbox.clear_faults()
    await world.operations.retry_beat(stuck, beat=None, actor="mike", reason="they are done")
    await all_done(world, stuck)
    assert len(world.sandbox.applied(f"N-{stuck}")) == 1


async def test_only_an_unfinished_beat_can_be_skipped_or_cancelled(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    with pytest.raises(NothingToDecideError, match="not unfinished"):
        await world.operations.skip_beat(customer, beat=Beat.PUSH_NETSUITE, actor="mike", reason="?")
    await world.approve(customer)
    await all_done(world, customer)
    with pytest.raises(NothingToDecideError, match="not unfinished"):
        await world.operations.cancel_beat(customer, beat=Beat.FLAG_CUSTOMER, actor="mike", reason="?")
    assert "beat_cancelled" not in world.audit(customer)


async def test_a_release_whose_netsuite_step_is_skipped_is_released(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await all_done(world, customer)
    world.sandbox.faults(outage=True)
    await world.operations.request_release(customer, reason="they paid", actor="robin")
    await world.approve(customer)
    await world.in_status(customer, "releasing")
    await world.eventually(lambda: "restore_netsuite" in {row["beat"] for row in world.show(customer)["release_beats"]})

    await world.operations.skip_beat(customer, beat=Beat.RESTORE_NETSUITE, actor="mike", reason="set by hand")

    shown = await world.shown_in_status(customer, "released")
    assert [row["status"] for row in shown["release_beats"]] == ["done"] * 3 + ["skipped"]
