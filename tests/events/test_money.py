"""Payments, payment plans and promises: exact to the cent, also side by side."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from db.engine import transaction
from db.models import Credit, Payment, PaymentPlan, PaymentPlanInstalment, PromiseToPay, ReleaseRequest
from db.receivables import payments
from tests.events.conftest import Outside, day, now, payment, plan, promise, today
from tests.holds.helpers import in_force, rows
from tests.world import World


async def test_a_payment_goes_to_the_oldest_invoices_and_the_rest_is_a_credit(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(amount="100.00", days_overdue=30, in_netsuite=False)
    world.owe(customer, "50.00", days_overdue=90)
    world.owe(customer, "70.00", days_overdue=1)

    await idle_outside.taken("payment", payment(customer, "149.99"))
    assert idle_outside.open_amounts(customer) == ["0.00", "0.01", "70.00"]
    taken = await idle_outside.taken("payment", payment(customer, "100.00", payment_id="P9"))

    assert idle_outside.open_amounts(customer) == ["0.00", "0.00", "0.00"]
    [credit] = rows(world, select(Credit))
    assert (credit.id, credit.amount_unapplied) == ("payment/P9", Decimal("29.99"))
    assert "29.99 as a credit" in taken["why"]
    last = rows(world, select(Payment).where(Payment.id == "P9"))[0]
    assert [one["amount"] for one in last.applied] == ["0.01", "70.00"]


async def test_a_payment_of_one_invoice_touches_no_other(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(amount="100.00", days_overdue=30, in_netsuite=False)
    newer = world.owe(customer, "70.00", days_overdue=1)

    await idle_outside.taken("payment", payment(customer, "80.00", invoice_id=newer))

    assert idle_outside.open_amounts(customer) == ["100.00", "0.00"]
    assert rows(world, select(Credit.amount_unapplied)) == [Decimal(10)]


async def test_payments_side_by_side_over_http_lose_no_cent(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(amount="100.00", in_netsuite=False)
    invoice = idle_outside.an_invoice(customer)

    bodies = [payment(customer, "9.99", invoice_id=invoice) for _ in range(12)]
    await asyncio.gather(*(idle_outside.taken("payment", body) for body in bodies))

    assert idle_outside.open_amounts(customer) == ["0.00"]
    assert rows(world, select(func.sum(Credit.amount_unapplied))) == [Decimal("19.88")]


def test_two_transactions_that_pay_one_invoice_come_one_after_the_other(idle_world: World) -> None:
    """Without anything else that would keep them apart."""
    customer = idle_world.customer(amount="100.00", in_netsuite=False)
    ready = threading.Barrier(8)

    def pay(number: int) -> None:
        with transaction(idle_world.engine) as session:
            session.execute(select(func.now()))
            ready.wait(20)
            payments.post(
                session,
                payment_id=f"P{number}",
                customer_id=customer,
                invoice_id=None,
                amount=Decimal("30.00"),
                currency="USD",
                paid_on=today(),
                now=datetime.now(UTC),
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pay, range(8)))

    [total] = rows(idle_world, select(func.sum(Credit.amount_unapplied)))
    applied = sum(
        (Decimal(one["amount"]) for row in rows(idle_world, select(Payment)) for one in row.applied), Decimal(0)
    )
    assert (total, applied) == (Decimal(140), Decimal(100))


async def test_a_payment_is_told_to_the_open_hold(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    await world.start(customer)

    taken = await outside.taken("payment", payment(customer, "39000.00"), name="e1")

    assert taken["hold_id"] == world.show(customer)["id"]
    assert [one["signal"] for one in outside.event("e1").tell] == ["facts_changed"]
    await world.eventually(lambda: outside.event("e1").tried_at)
    assert "payment_received" in world.audit(customer)
    assert (await world.state(customer)).refused_signals == 0
    await world.approve(customer)
    await world.eventually(lambda: world.show(customer)["revision"] == 2)
    assert "open amount fell" in world.show(customer)["proposal"]["note"]


# --- plans -------------------------------------------------------------------------------------------------------


def instalments(world: World) -> list[str]:
    query = select(PaymentPlanInstalment).order_by(PaymentPlanInstalment.number)
    return ["paid" if one.paid_at else "missed" if one.missed_at else "due" for one in rows(world, query)]


def plans(world: World) -> list[str]:
    return [one.status for one in rows(world, select(PaymentPlan).order_by(PaymentPlan.agreed_at))]


async def test_a_plan_agreed_while_the_hold_is_in_force_proposes_its_release(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    await in_force(world, customer)

    taken = await outside.taken("payment-plan", plan(customer, "20000.00", "20000.00"))

    assert taken["outcome"] == "release_requested"
    await world.eventually(lambda: rows(world, select(ReleaseRequest)))
    [request] = rows(world, select(ReleaseRequest))
    assert (request.cause, request.refusal) == ("payment_plan", None)
    shown = world.show(customer)
    assert (shown["proposal"]["kind"], shown["facts"]["payment_plan"]) == ("release", True)
    assert "on a payment plan" in shown["warnings"]


async def test_payments_keep_a_plan_instalment_by_instalment(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(amount="60.00", in_netsuite=False)
    await idle_outside.taken("payment", payment(customer, "10.00"))
    await idle_outside.taken("payment-plan", plan(customer, "20.00", "20.00"))

    seen = []
    for _ in range(3):
        await idle_outside.taken("payment", payment(customer, "15.00"))
        seen.append((instalments(world), plans(world)))

    assert seen == [
        (["due", "due"], ["agreed"]),
        (["paid", "due"], ["agreed"]),
        (["paid", "paid"], ["kept"]),
    ]


async def test_a_missed_instalment_breaks_the_plan(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    await idle_outside.taken("payment-plan", plan(customer, "20.00", "20.00"))
    missed = {"customer_id": customer, "action": "instalment_missed", "number": 1, "missed_at": now()}
    wrong = await idle_outside.send("payment-plan", missed | {"number": 3})
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "body.number")

    await idle_outside.taken("payment-plan", missed)

    assert (instalments(world), plans(world)) == (["missed", "due"], ["broken"])


async def test_a_plan_is_called_off_and_a_new_one_replaces_the_old(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    await idle_outside.taken("payment-plan", plan(customer, "20.00"))
    await idle_outside.taken("payment-plan", plan(customer, "10.00", "10.00"))
    assert plans(world) == ["ended", "agreed"]

    await idle_outside.taken("payment-plan", {"customer_id": customer, "action": "ended", "ended_at": now()})

    assert plans(world) == ["ended", "ended"]


# --- promises ----------------------------------------------------------------------------------------------------


def promised(world: World) -> list[str | None]:
    return [one.outcome for one in rows(world, select(PromiseToPay).order_by(PromiseToPay.amount))]


async def test_a_new_promise_supersedes_and_payments_in_time_keep_it(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    await idle_outside.taken("promise-to-pay", promise(customer, "500.00"))
    await idle_outside.taken("promise-to-pay", promise(customer, "600.00"))
    assert promised(world) == ["superseded", None]

    await idle_outside.taken("payment", payment(customer, "599.99"))
    assert promised(world) == ["superseded", None]
    taken = await idle_outside.taken("payment", payment(customer, "0.01"))

    assert promised(world) == ["superseded", "kept"]
    assert "the promise of 600.00 is kept" in taken["why"]


async def test_promises_side_by_side_supersede_one_another(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)

    await asyncio.gather(*(idle_outside.taken("promise-to-pay", promise(customer)) for _ in range(8)))

    assert sorted(promised(idle_outside.world), key=str) == [None, *["superseded"] * 7]


async def test_money_before_the_promise_does_not_keep_it(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    await idle_outside.taken("payment", payment(customer, "500.00"))
    await idle_outside.taken("promise-to-pay", promise(customer, "500.00"))
    await idle_outside.taken("payment", payment(customer, "1.00"))

    assert promised(world) == [None]


async def test_money_after_the_promised_day_does_not_keep_it(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    await idle_outside.taken("promise-to-pay", promise(customer, "500.00", promised_for=day(-1)))

    await idle_outside.taken("payment", payment(customer, "500.00", paid_on=day()))

    assert promised(world) == [None]


@pytest.mark.parametrize("held", [True, False])
async def test_a_promise_is_shown_with_the_next_proposal(outside: Outside, held: bool) -> None:  # noqa: FBT001
    world = outside.world
    customer = world.customer()
    if held:
        await world.start(customer)

    taken = await outside.taken("promise-to-pay", promise(customer, "500.00"))

    await world.start(customer, kind="ar_aging_tick_threshold")
    facts = world.show(customer)["facts"]
    due = (today() + timedelta(days=7)).isoformat()
    assert (facts["promised_amount"], facts["promised_for"]) == ("500.00", due)
    assert f"promised to pay 500.00 USD by {due}" in world.show(customer)["warnings"]
    [row] = rows(world, select(PromiseToPay))
    assert (row.hold_id is not None) is held is (taken["hold_id"] is not None)
