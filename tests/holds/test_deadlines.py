"""An undecided proposal: approvers are reminded, it is escalated, it expires. None of that decides anything."""

import asyncio
from datetime import timedelta

from db.engine import transaction
from db.holds import holds
from tests.holds.helpers import all_done, timers, workers
from tests.world import World


def row(world: World, customer: str) -> object:
    with transaction(world.engine) as session:
        return holds.newest_proposal(session, holds.find(session, customer).id)


async def test_approvers_are_reminded_again_and_again(world: World) -> None:
    world.set_policy(remind_after=timedelta(seconds=1), escalate_after=None)
    customer = world.customer()
    await world.start(customer)

    await world.eventually(lambda: world.audit(customer).count("approvers_reminded") >= 2)

    assert (world.status(customer), world.show(customer)["revision"]) == ("proposed", 1)
    assert "proposal_escalated" not in world.audit(customer)
    await world.approve(customer)
    await all_done(world, customer)
    assert [wait for wait in await timers(world.workflow(customer)) if wait < timedelta(hours=1)] == []


async def test_it_is_escalated_once_then_expires(world: World) -> None:
    world.set_policy(
        remind_after=None, escalate_after=timedelta(seconds=1), proposal_expires_after=timedelta(seconds=8)
    )
    customer = world.customer()
    await world.start(customer)

    await world.in_status(customer, "expired")

    life = world.audit(customer)
    assert life.count("proposal_escalated") == 1
    assert life.index("proposal_escalated") < life.index("hold_expired")
    assert world.customer_row(customer).entitystatus == "active"


async def test_reminders_missed_while_no_worker_ran_are_one(idle_world: World) -> None:
    idle_world.set_policy(remind_after=timedelta(seconds=1), escalate_after=None)
    customer = idle_world.customer()
    async with workers(idle_world):
        await idle_world.start(customer)
    await asyncio.sleep(3)
    idle_world.set_policy(remind_after=timedelta(days=1))
    async with workers(idle_world):
        await idle_world.eventually(lambda: "approvers_reminded" in idle_world.audit(customer))
        assert idle_world.audit(customer).count("approvers_reminded") == 1


async def test_an_undecided_release_is_reminded_of_too(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await all_done(world, customer)
    world.set_policy(remind_after=timedelta(seconds=1))
    await world.operations.request_release(customer, reason="they paid", actor="robin")

    await world.eventually(lambda: "approvers_reminded" in world.audit(customer))

    assert world.status(customer) == "in_force"


async def test_the_waits_count_business_days_where_the_policy_says_so(world: World) -> None:
    world.set_policy(count_business_days=True)
    customer = world.customer()
    await world.start(customer)
    proposal = row(world, customer)
    for at in (proposal.due_at, proposal.remind_at, proposal.escalate_at):
        assert at.weekday() < 5 or (at.hour, at.minute) == (0, 0)
    assert proposal.due_at - proposal.opened_at >= timedelta(days=40)
