"""The AR aging scan: whom it proposes, whom it leaves out and why, and that it may be run twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

import activities.receivables
from credit.states import HoldStatus
from credit.triggers import Trigger, TriggerKind
from db import policies
from db.engine import transaction
from db.holds.awaiting import await_trigger
from db.models import ArAgingItem, ArAgingRun, Customer, Hold, PromiseToPay
from db.receivables import promises, receivables
from tests.holds.helpers import ask, holds_of, rows, workers
from tests.holds.test_relay import relaying
from tests.world import World, invoice
from workflows.contract import service_hold_id
from workflows.starting import send_trigger


def today() -> datetime:
    return datetime.now(UTC)


async def scan(world: World) -> dict[str, int]:
    return (await world.operations.scan(today().date(), actor="robin")).counts


def dispositions(world: World) -> dict[str, str]:
    """Of the newest run."""
    with transaction(world.engine) as session:
        run = session.scalars(select(ArAgingRun).order_by(ArAgingRun.started_at.desc()).limit(1)).one()
        rows = session.scalars(select(ArAgingItem).where(ArAgingItem.run_id == run.id))
        return {row.customer_id: row.disposition for row in rows}


async def test_scan_proposes_exactly_the_dry_runs_customers(world: World) -> None:
    above = [world.customer(amount="25000.01", days_overdue=91) for _ in range(45)]
    at_the_amount = world.customer(amount="25000.00", days_overdue=91)
    at_the_days = world.customer(amount="90000.00", days_overdue=90)
    with transaction(world.engine) as session:
        _, policy = policies.current(session)
        dry = receivables.candidates(session, today().date(), policy, now=today())

    counts = await scan(world)

    assert sorted(candidate.customer_id for candidate in dry) == sorted(above)
    assert counts == {"proposed": 45}
    with transaction(world.engine) as session:
        held = session.scalars(select(Hold.customer_id).where(Hold.status == HoldStatus.PROPOSED)).all()
    assert sorted(held) == sorted(above)
    assert at_the_amount not in held
    assert at_the_days not in held


async def test_a_customer_with_a_very_long_id_is_proposed_like_any_other(world: World) -> None:
    """A trigger's id is made of the customer's: one that no signal carried stopped the scan for everybody."""
    other, long = world.customer(), "C" * 190
    with transaction(world.engine) as session:
        session.add(Customer(id=long, name="Long Ltd", netsuite_id="N-long"))
        session.flush()
        session.add(invoice("I-long", long, today().date() - timedelta(days=120), "40000"))

    assert await scan(world) == {"proposed": 2}
    assert dispositions(world) == {other: "proposed", long: "proposed"}


async def test_second_scan_of_a_day_proposes_nobody_and_says_why(world: World) -> None:
    held, declined = world.customer(), world.customer()
    assert await scan(world) == {"proposed": 2}
    await world.decline(declined)
    await world.in_status(declined, "declined")

    assert await scan(world) == {"open_hold": 1, "snoozed": 1}

    assert dispositions(world) == {held: "open_hold", declined: "snoozed"}


async def test_declined_customer_is_proposed_again_when_it_got_worse(world: World) -> None:
    customer = world.customer(amount="40000")
    await scan(world)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    world.owe(customer, "10000.00", days_overdue=5)

    assert await scan(world) == {"proposed": 1}


async def test_pages_are_read_to_the_end_and_each_customer_once(world: World) -> None:
    customers = [world.customer(in_netsuite=False) for _ in range(105)]

    assert await scan(world) == {"proposed": len(customers)}

    assert set(dispositions(world)) == set(customers)


async def test_scan_of_an_older_day_keeps_that_day_in_the_hold(world: World) -> None:
    customer = world.customer(days_overdue=5)
    later = today().date() + timedelta(days=100)

    report = await world.operations.scan(later, actor="robin")

    assert report.counts == {"proposed": 1}
    assert world.show(customer)["facts"]["days_overdue"] == 105


async def test_run_is_kept_with_its_counts(world: World) -> None:
    world.customer()
    report = await world.operations.scan(today().date(), actor="robin")
    with transaction(world.engine) as session:
        run = session.get_one(ArAgingRun, report.run_id)
    assert run.counts == {"proposed": 1}
    assert run.finished_at is not None
    assert run.requested_by == "robin"


async def test_trigger_that_was_sent_twice_before_anybody_took_it_up_counts_once(idle_world: World) -> None:
    world = idle_world
    customer = world.customer()
    sent = Trigger(id="twice", kind=TriggerKind.MANUAL, reason="x", actor="robin", at=today())
    ask(world, customer, sent)
    for _ in range(2):
        await send_trigger(world.client, world.settings.task_queue, customer, sent)

    async with workers(world):
        row = await await_trigger(world.engine, sent, customer, timedelta(seconds=20))

    assert row.opened
    assert [event["kind"] for event in world.show(customer)["evidence"]] == ["manual"]


async def test_a_promise_that_was_broken_while_no_hold_looked_is_settled_by_the_scan(world: World) -> None:
    customer = world.customer()
    with transaction(world.engine) as session:
        promises.make(
            session,
            customer_id=customer,
            hold_id=None,
            amount=Decimal(700),
            promised_for=today().date() - timedelta(days=2),
            made_by="Ann",
            at=today() - timedelta(days=9),
        )

    await scan(world)

    assert rows(world, select(PromiseToPay.outcome)) == ["broken"]
    warnings = world.show(customer)["warnings"]
    assert "1 broken promise to pay" in warnings
    assert not [one for one in warnings if "promised to pay" in one]


async def test_one_candidate_that_cannot_be_proposed_keeps_no_scan_from_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something else runs under the id of its workflow, and answers nobody."""
    monkeypatch.setattr(activities.receivables, "_WAIT", timedelta(seconds=1))
    stuck, others = world.customer(), [world.customer() for _ in range(3)]
    other_queue = {"id": service_hold_id(stuck), "task_queue": "nobody-here"}
    wedged = await world.client.start_workflow("Something", **other_queue)

    counts = await scan(world)

    assert counts == {"proposed": 3, "unanswered": 1}
    assert dispositions(world) == {stuck: "unanswered"} | dict.fromkeys(others, "proposed")
    await wedged.terminate("made room")
    async with relaying(world):
        await world.eventually(lambda: holds_of(world, stuck))
