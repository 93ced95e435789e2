"""An event counts once: repeated, delivered side by side, and told again after a crash."""

import asyncio
from datetime import UTC, datetime

import httpx
from sqlalchemy import select, text, update

from db import audit
from db.act import Act, acting
from db.engine import transaction
from db.freight import credit_limits
from db.models import Credit, HoldTrigger, InboundEvent, Invoice, Payment, ReleaseRequest
from services.receivables import inbound
from services.receivables.dispute import DisputeOpened
from services.receivables.health_prediction import HealthPrediction
from services.receivables.inbound import Delivery, InboundEvents, write
from services.receivables.payment import PaymentReceived
from tests.events.conftest import Outside, dispute, payment, prediction
from tests.holds.helpers import dispute as disputed_before
from tests.holds.helpers import in_force, reads, rows
from tests.holds.test_relay import a_way_to_temporal, relaying
from tests.world import World


def untold(world: World) -> list[InboundEvent]:
    return rows(world, select(InboundEvent).where(InboundEvent.handled_at.is_(None)))


async def test_a_repeated_event_is_answered_the_same_and_changes_nothing(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    body = payment(customer, "100.00")
    first = await idle_outside.send("payment", body, name="e1")

    again = await idle_outside.send("payment", body | {"amount": "100.0"}, name="e1")

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert first.json().keys() == {"event_id", "outcome", "why", "hold_id"}
    assert idle_outside.open_amounts(customer) == ["39900.00"]


async def test_the_same_id_for_something_else_is_a_conflict(idle_outside: Outside) -> None:
    customer, other = (idle_outside.world.customer(in_netsuite=False) for _ in range(2))
    body = payment(customer)
    await idle_outside.taken("payment", body, name="e1")

    for kind, changed in (
        ("payment", body | {"amount": "100.01"}),
        ("payment", body | {"customer_id": other}),
        ("health-prediction", prediction(customer)),
    ):
        answer = await idle_outside.send(kind, changed, name="e1")
        assert (answer.status_code, answer.json()["code"]) == (409, "event_conflict")
    assert idle_outside.open_amounts(customer) == ["39900.00"]


async def test_a_repetition_is_answered_even_when_its_days_have_become_implausible(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    body = payment(customer)
    await idle_outside.taken("payment", body, name="old")
    long_ago = body | {"paid_on": "2020-01-01"}
    with transaction(idle_outside.world.engine) as session:
        kept = {key: value for key, value in long_ago.items() if key != "event_id"} | {"invoice_id": None}
        session.execute(update(InboundEvent).values(payload=kept))

    assert (await idle_outside.send("payment", long_ago, name="old")).status_code == 200


async def test_fifty_deliveries_side_by_side_are_one_event(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    disputed_before(world, customer)
    body, paid = prediction(customer), payment(customer, "50000.00")

    async def both() -> list[httpx.Response]:
        return [
            await outside.send("payment", paid, name="pay"),
            await outside.send("health-prediction", body, name="health"),
        ]

    answers = [one for pair in await asyncio.gather(*(both() for _ in range(50))) for one in pair]

    assert sorted(one.status_code for one in answers) == [200] * 98 + [202] * 2
    assert len({one.text for one in answers}) == 2
    await world.eventually(lambda: rows(world, select(HoldTrigger)))
    assert world.status(customer) == "proposed"
    assert len(rows(world, select(HoldTrigger))) == 1
    assert outside.open_amounts(customer) == ["0.00"]
    [credit] = rows(world, select(Credit))
    assert (credit.amount_unapplied, len(rows(world, select(Payment)))) == (10000, 1)


async def test_one_payment_told_under_two_ids_is_posted_once(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    body = payment(customer)
    await idle_outside.taken("payment", body)

    assert (await idle_outside.taken("payment", body))["outcome"] == "known_already"

    assert idle_outside.open_amounts(customer) == ["39900.00"]
    other = await idle_outside.send("payment", body | {"amount": "7.00"})
    assert (other.status_code, other.json()["errors"][0]["where"]) == (422, "body.payment_id")


async def test_a_crash_between_the_row_and_the_telling_is_told_once_by_the_relay(world: World) -> None:
    customer = world.customer()
    disputed_before(world, customer)
    told = HealthPrediction.model_validate(prediction(customer))
    event, is_new = await acting(world.engine, "test", inbound.write, Delivery("test", "e1"), told)
    assert is_new
    assert [one.id for one in untold(world)] == [event.id]

    async with relaying(world), relaying(world):
        await world.eventually(lambda: rows(world, select(HoldTrigger)) and not untold(world))
        with reads(world, "inbound_events") as looks:
            await world.eventually(lambda: len(looks) > 12)  # two relays, for longer than it takes to send again

    [trigger] = rows(world, select(HoldTrigger))
    assert (trigger.kind, trigger.opened) == ("customer_health_prediction", True)


async def test_an_event_taken_while_temporal_is_away_stands_and_is_told_later(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    async with a_way_to_temporal(world) as cut:
        pass
    inbound = InboundEvents(world.engine, cut, world.settings.task_queue)
    told = DisputeOpened.model_validate(dispute(customer, rows(world, select(Invoice.id))[0]))

    taken = await inbound.take(Delivery("test", "e1"), told)

    assert taken.outcome == "release_requested"
    assert rows(world, select(ReleaseRequest)) == []
    async with relaying(world, cut):
        await world.eventually(lambda: untold(world)[0].tried_at)
    async with relaying(world):
        await world.eventually(lambda: rows(world, select(ReleaseRequest)))
        await world.eventually(lambda: not untold(world))
    assert world.show(customer)["proposal"]["kind"] == "release"


def test_an_event_of_a_customer_without_a_hold_waits_for_no_other_customers(idle_world: World) -> None:
    """Each customer's events are a chain of their own: one that everybody's went into would let one in at a time."""
    one, other = idle_world.customer(in_netsuite=False), idle_world.customer(in_netsuite=False)
    with transaction(idle_world.engine) as first, transaction(idle_world.engine) as second:
        second.execute(text("SET LOCAL lock_timeout = '2s'"))
        for session, name, customer in ((first, "e1", one), (second, "e2", other)):
            told = PaymentReceived.model_validate(payment(customer, "10.00"))
            write(Act(session, "erp", datetime.now(UTC)), Delivery("erp", name), told)
    with transaction(idle_world.engine) as session:
        chains = [audit.newest_seq(session, credit_limits.chain_of(customer)) for customer in (one, other)]
    assert chains == [1, 1]
