"""Invoices and payments that come as events: the credit limit is judged in the transaction that takes them."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from credit.credit_hold import CreditStatus
from credit.credit_limit import LimitCause, LimitState
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.models import AccountingProfile, Credit, Invoice, LimitTransition
from tests.credit_hold.accounts import NOW, WHO, organisation
from tests.events.conftest import Outside, day, invoice, payment
from tests.holds.helpers import rows


@pytest.fixture
def customer(idle_outside: Outside) -> str:
    """100 open, a limit of 1,000; auto-apply and auto-lift are on."""
    world = idle_outside.world
    name = world.customer(amount="100.00", in_netsuite=False)
    with transaction(world.engine) as session:
        organisation(session, auto_apply_credit_hold=True, auto_lift_credit_hold=True)
        accounting_profiles.set_limit(Act(session, WHO, NOW), name, Decimal(1000))
    return name


def status(outside: Outside, name: str) -> tuple[Any, ...]:
    [row] = rows(outside.world, select(AccountingProfile).where(AccountingProfile.customer_id == name))
    return row.exposure, row.limit_state, row.credit_status


async def test_an_invoice_crosses_the_limit_and_a_payment_meets_it_again(idle_outside: Outside, customer: str) -> None:
    taken = await idle_outside.taken("invoice", invoice(customer, "N1", "900.01"), name="crossing")
    assert taken["why"].endswith(f"customer {customer}'s credit limit is exceeded, now on credit hold")
    assert status(idle_outside, customer) == (Decimal("1000.01"), LimitState.EXCEEDED, CreditStatus.CREDIT_HOLD)

    again = await idle_outside.send("invoice", invoice(customer, "N1", "900.01"), name="crossing")
    assert (again.status_code, again.json()) == (200, taken)
    paid = await idle_outside.taken("payment", payment(customer, "0.01"))

    assert paid["why"].endswith(f"customer {customer}'s credit limit is met again, block lifted")
    assert status(idle_outside, customer) == (Decimal(1000), LimitState.ACCEPTABLE, CreditStatus.GOOD)
    crossed = rows(idle_outside.world, select(LimitTransition).order_by(LimitTransition.at))
    assert [one.cause for one in crossed] == [LimitCause.INVOICE, LimitCause.PAYMENT]
    assert {one.actor for one in crossed} == {"webhook (signed)"}


async def test_an_invoice_is_changed_closed_and_known(idle_outside: Outside, customer: str) -> None:
    await idle_outside.taken("invoice", invoice(customer, "N1", "50.00"))
    await idle_outside.taken("invoice", invoice(customer, "N1", "70.00", due_date=day(60)))
    known = await idle_outside.taken("invoice", invoice(customer, "N1", "70.00", due_date=day(60)))
    assert (known["outcome"], known["why"]) == ("known_already", "invoice N1 stands so already")
    [row] = rows(idle_outside.world, select(Invoice).where(Invoice.id == "N1"))
    assert (row.amount_open, row.source_amount, row.due_date.isoformat()) == (Decimal(70), Decimal(70), day(60))

    closed = await idle_outside.taken("invoice", invoice(customer, "N1", "0.00", due_date=day(60)))

    assert closed["why"] == "invoice N1 (changed): closed"
    assert status(idle_outside, customer)[0] == 100


async def test_another_customer_s_invoice_or_a_credit_s_number_is_refused(idle_outside: Outside, customer: str) -> None:
    world = idle_outside.world
    other = world.customer(in_netsuite=False)
    money = {"amount_unapplied": 5, "source_amount": 5, "source_currency": "USD"}
    with transaction(world.engine) as session:
        session.add(Credit(id="CM-1", customer_id=customer, **money))
    for number in (idle_outside.an_invoice(other), "CM-1"):
        answer = await idle_outside.send("invoice", invoice(customer, number))
        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.invoice_id")
        assert "is not an invoice of customer" in answer.json()["errors"][0]["what"]
    assert idle_outside.open_amounts(other) == ["40000.00"]


async def test_invoices_and_payments_side_by_side_end_where_their_sum_says(
    idle_outside: Outside, customer: str
) -> None:
    """None is refused by a deadlock, and crossings alternate."""
    bodies = [("invoice", invoice(customer, f"N{number}", "300.00")) for number in range(10)]
    bodies += [("payment", payment(customer, "280.00")) for _ in range(10)]
    await asyncio.gather(*(idle_outside.taken(kind, body) for kind, body in bodies))

    assert status(idle_outside, customer)[:2] == (Decimal(300), LimitState.ACCEPTABLE)
    crossed = rows(idle_outside.world, select(LimitTransition.after))
    assert crossed.count(LimitState.EXCEEDED) == crossed.count(LimitState.ACCEPTABLE)
