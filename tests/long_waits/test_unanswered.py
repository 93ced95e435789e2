"""A proposal that nobody answers: it waits in full sight until its due date, then expires by itself."""

from datetime import timedelta

from tests.holds.helpers import attributes, events, holds_of
from tests.long_waits.conftest import Clock
from tests.long_waits.helpers import details, proposal_of, untouched
from tests.world import World

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def due_date_is_shown(world: World, customer: str) -> None:
    due = proposal_of(world, customer).due_at
    assert world.show(customer)["status"] == "proposed"
    assert world.show(customer)["proposal"]["due_at"] == due.isoformat().replace("+00:00", "Z")
    state = await world.state(customer)
    assert state.hold is not None
    assert (state.status, state.waiting_on, state.hold.due_at) == ("proposed", "approver", due)
    assert f"Waiting on an approver until {due:%Y-%m-%d %H:%M} UTC" in await details(world, customer)


async def test_proposal_nobody_answers_for_30_days_expires_on_its_due_date(world: World, clock: Clock) -> None:
    customer = world.customer()
    last_modified = world.customer_row(customer).last_modified
    before = await clock.now()
    await world.start(customer)
    proposal = proposal_of(world, customer)
    assert before <= proposal.opened_at <= await clock.now()
    assert proposal.due_at == proposal.opened_at + 30 * DAY

    await due_date_is_shown(world, customer)
    for moment in (proposal.opened_at + 10 * DAY, proposal.opened_at + 29 * DAY, proposal.due_at - MINUTE):
        await clock.until(moment)
        await due_date_is_shown(world, customer)
    await clock.until(proposal.due_at + MINUTE)

    await world.in_status(customer, "expired")
    proposal = proposal_of(world, customer)
    [hold] = holds_of(world, customer)
    assert (proposal.status, hold.closed_at) == ("expired", proposal.settled_at)
    assert proposal.settled_at is not None
    assert timedelta() <= proposal.settled_at - proposal.due_at < MINUTE
    assert (await world.workflow(customer).result())["status"] == "expired"
    assert untouched(world, customer)
    assert world.customer_row(customer).last_modified == last_modified
    [event] = events(world, hold.id, "hold_expired")
    assert (event.actor, event.at) == ("service-holds", proposal.settled_at)
    shown = await attributes(world, customer)
    assert (shown["HoldStatus"], shown["WaitingOn"]) == ("expired", "nobody")
    assert "Expired undecided" in await details(world, customer)


async def test_a_changed_period_counts_for_later_proposals_only(world: World, clock: Clock) -> None:
    early, later = world.customer(), world.customer()
    await world.start(early)
    world.set_policy(proposal_expires_after=5 * DAY)
    await world.start(later)
    first, second = proposal_of(world, early), proposal_of(world, later)
    assert first.due_at == first.opened_at + 30 * DAY
    assert second.due_at == second.opened_at + 5 * DAY
    assert second.policy_version == first.policy_version + 1

    await clock.until(second.due_at - MINUTE)
    assert world.status(later) == "proposed"
    await clock.until(second.due_at + MINUTE)
    await world.in_status(later, "expired")
    assert world.status(early) == "proposed"

    await clock.until(first.due_at + MINUTE)
    await world.in_status(early, "expired")
    assert untouched(world, early)
    assert untouched(world, later)
