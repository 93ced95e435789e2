"""Decisions around the due date: the row written before the expiry wins, one that comes later is refused."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from temporalio.service import RPCError

from credit.states import Verdict
from credit.triggers import TriggerKind
from db.errors import NothingToDecideError
from db.models import Decision
from services.holds.operations import TriggerTurnedAwayError
from tests.holds.helpers import (
    activities_run,
    all_done,
    events,
    holds_of,
    rows,
    signal_decision,
    until,
    write_decision,
)
from tests.long_waits.conftest import Clock
from tests.long_waits.helpers import proposal_of, untouched
from tests.world import World

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def test_approval_just_before_the_due_date_acts_and_nothing_expires_afterwards(
    world: World, clock: Clock
) -> None:
    customer = world.customer()
    await world.start(customer)
    due = proposal_of(world, customer).due_at
    await clock.until(due - MINUTE)

    await world.approve(customer)
    await all_done(world, customer)
    await clock.until(due + 30 * DAY)

    assert world.status(customer) == "in_force"
    assert await activities_run(world, customer, "close_proposal") == 0
    assert len(world.sandbox.applied(customer)) == 1


async def test_approval_written_before_the_due_date_wins_though_its_signal_comes_days_later(
    world: World, clock: Clock
) -> None:
    customer = world.customer()
    await world.start(customer)
    due = proposal_of(world, customer).due_at
    await clock.until(due - MINUTE)
    decision = write_decision(world, customer, Verdict.APPROVE)

    await clock.until(due + 3 * DAY)
    await until(lambda: activities_run(world, customer, "close_proposal"))
    assert world.status(customer) == "proposed"
    assert untouched(world, customer)
    await signal_decision(world, customer, decision.id)

    await all_done(world, customer)
    assert await activities_run(world, customer, "close_proposal") == 1
    [hold] = holds_of(world, customer)
    assert events(world, hold.id, "hold_expired") == []
    assert hold.in_force_at is not None
    assert hold.in_force_at >= due + 3 * DAY


async def test_approval_just_after_the_due_date_is_refused(world: World, clock: Clock) -> None:
    customer = world.customer()
    await world.start(customer)
    proposal = proposal_of(world, customer)
    await clock.until(proposal.due_at - MINUTE)
    claim, shown = await world.operations.claim(customer, actor="mike")
    await clock.until(proposal.due_at + MINUTE)
    await world.in_status(customer, "expired")

    with pytest.raises(NothingToDecideError, match="expired already"):
        await world.operations.decide(
            customer, claim_id=claim.id, revision=shown.revision, verdict=Verdict.APPROVE, reason="late", actor="mike"
        )
    with pytest.raises(NothingToDecideError, match="expired already"):
        await world.operations.claim(customer, actor="mike")
    await world.workflow(customer).result()
    with pytest.raises(RPCError):
        await signal_decision(world, customer, proposal.id)

    assert rows(world, select(Decision)) == []
    assert world.status(customer) == "expired"
    assert untouched(world, customer)


async def test_snooze_after_a_decline_lasts_its_fourteen_days(world: World, clock: Clock) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.decline(customer)
    await world.workflow(customer).result()
    [declined] = holds_of(world, customer)
    assert declined.closed_at is not None

    for moment in (MINUTE, 13 * DAY, 14 * DAY - MINUTE):
        await clock.until(declined.closed_at + moment)
        with pytest.raises(TriggerTurnedAwayError, match="snoozed after a decline"):
            await world.start(customer, kind=TriggerKind.AR_AGING)
    await clock.until(declined.closed_at + 14 * DAY)

    assert (await world.start(customer, kind=TriggerKind.AR_AGING)).created
    assert world.status(customer) == "proposed"
