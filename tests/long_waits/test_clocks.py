"""Years of skipped time between Temporal's clock and everybody else's: each time in a row is of one clock (3.13)."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from db.models import AuditEvent, AutoDecision, Decision, HoldBeat, HoldTrigger, NetSuitePush, NetSuiteRecord
from tests.holds.helpers import holds_of, in_force, rows
from tests.long_waits.conftest import Clock
from tests.long_waits.helpers import proposal_of
from tests.world import World

YEARS = timedelta(days=3 * 365)


async def test_business_times_are_temporals_and_stamps_are_the_databases(world: World, clock: Clock) -> None:
    customer = world.customer(days_overdue=120)
    await clock.skip(YEARS)
    skipped, real = await clock.now(), datetime.now(UTC)
    assert skipped - real > YEARS - timedelta(hours=1)

    await in_force(world, customer)

    [hold], proposal = holds_of(world, customer), proposal_of(world, customer)
    [record], [push] = rows(world, select(NetSuiteRecord)), rows(world, select(NetSuitePush))
    beats, [decision] = rows(world, select(HoldBeat)), rows(world, select(Decision))
    own = rows(world, select(AuditEvent).where(AuditEvent.chain == str(hold.id), AuditEvent.actor == "service-holds"))
    business = {
        "hold": [hold.proposed_at, hold.in_force_at],
        "proposal": [proposal.opened_at],
        "beats": [time for beat in beats for time in (beat.started_at, beat.done_at)],
        "netsuite": [record.read_back_at, push.started_at, push.ended_at],
        "audit": [event.at for event in own],
        "customer": [world.customer_row(customer).last_modified],
        "obeyed": [decision.applied_at],
    }
    now = await clock.now()
    for what, times in business.items():
        assert times, what
        assert all(time is not None and skipped <= time <= now for time in times), (what, times)
    assert proposal.due_at == proposal.opened_at + timedelta(days=30)
    assert {event.action for event in own} >= {"customer_flagged", "netsuite_read_back", "hold_in_force"}
    as_of = proposal.opened_at.date()
    assert (proposal.facts["as_of"], proposal.facts["days_overdue"]) == (
        as_of.isoformat(),
        120 + (as_of - real.date()).days,
    )

    [trigger], [remembered] = rows(world, select(HoldTrigger)), rows(world, select(AutoDecision))
    stamped = {
        "by the database": [trigger.recorded_at],
        "by whose program asked or decided": [trigger.at, decision.decided_at, remembered.decided_at],
        "by the decision": [proposal.settled_at],
    }
    for what, times in stamped.items():
        assert all(time is not None and real <= time <= datetime.now(UTC) for time in times), (what, times)
