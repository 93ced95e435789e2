"""A declined proposal: nothing happened to the customer, and automatic triggers keep quiet for a while."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from credit.triggers import TriggerKind
from db.models import AutoDecision, HoldTrigger, ReflexionLog
from services.holds.operations import TriggerTurnedAwayError
from tests.holds.helpers import attributes, bill, holds_of, rows
from tests.world import World
from workflows.contract import HoldOutcome


@pytest.fixture
async def declined(world: World) -> str:
    """A customer with 40,000 open whose hold was just declined."""
    customer = world.customer(amount="40000")
    await world.start(customer)
    await world.decline(customer)
    outcome = HoldOutcome.model_validate(await world.workflow(customer).result())
    assert (outcome.hold_id, outcome.status) == (holds_of(world, customer)[0].id, "declined")
    return customer


async def test_decline_changes_nothing_about_the_customer_and_is_remembered(world: World, declined: str) -> None:
    hold = world.show(declined)

    assert hold["status"] == "declined"
    assert hold["closed_at"]
    assert world.customer_row(declined).entitystatus == "active"
    assert world.sandbox.ledger(declined) == []
    assert hold["messages"] == []
    assert {beat["attempts"] for beat in hold["beats"]} == {0}
    assert "proposal_declined" in world.audit(declined)
    [memory] = rows(world, select(AutoDecision).where(AutoDecision.customer_id == declined))
    assert (memory.verdict, memory.decided_by, memory.reason) == ("decline", "mike", "as discussed")
    [lesson] = rows(world, select(ReflexionLog))
    assert (lesson.event, lesson.tags) == ("declined", f"service_hold,customer:{declined}")


async def test_a_declined_hold_shows_as_declined_in_the_web_ui(world: World, declined: str) -> None:
    shown = await attributes(world, declined)

    assert (shown["HoldStatus"], shown["WaitingOn"]) == ("declined", "nobody")


async def test_automatic_trigger_within_the_snooze_is_turned_away_and_recorded(world: World, declined: str) -> None:
    with pytest.raises(TriggerTurnedAwayError, match="snoozed after a decline"):
        await world.start(declined, kind=TriggerKind.AR_AGING)

    assert len(holds_of(world, declined)) == 1
    [row] = rows(world, select(HoldTrigger).where(HoldTrigger.customer_id == declined, HoldTrigger.hold_id.is_(None)))
    assert (row.kind, row.refusal) == ("ar_aging_tick_threshold", "snoozed after a decline")
    assert row.facts["total_open"] == "40000.00"


async def test_manual_trigger_within_the_snooze_opens_a_proposal(world: World, declined: str) -> None:
    started = await world.start(declined)

    assert started.created
    assert started.hold_id != holds_of(world, declined)[0].id
    assert "Decided before: hold declined" in world.show(declined)["proposal"]["note"]


@pytest.mark.parametrize(("more", "admitted"), [("9999.99", False), ("10000", True)])
async def test_automatic_trigger_passes_the_snooze_only_when_the_amount_grew_by_the_share(
    world: World, declined: str, more: str, *, admitted: bool
) -> None:
    bill(world, declined, more)

    if admitted:
        assert (await world.start(declined, kind=TriggerKind.AR_AGING)).created
    else:
        with pytest.raises(TriggerTurnedAwayError):
            await world.start(declined, kind=TriggerKind.AR_AGING)


async def test_automatic_trigger_after_the_snooze_opens_a_proposal(world: World, declined: str) -> None:
    world.set_policy(decline_snooze=timedelta(milliseconds=1))

    assert (await world.start(declined, kind=TriggerKind.AR_AGING)).created


async def test_second_decline_of_a_customer_is_remembered_beside_the_first(world: World, declined: str) -> None:
    await world.start(declined)
    await world.decline(declined)
    await world.in_status(declined, "declined")

    await world.start(declined)

    assert world.show(declined)["proposal"]["note"].count("Decided before: hold declined") == 2
