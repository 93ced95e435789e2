"""Bad payloads get a precise 422: which field, and what is wrong with it. Nothing of them is written."""

from typing import Any

import pytest
from sqlalchemy import func, select

from db.models import InboundEvent
from tests.events.conftest import Outside, closed, day, dispute, payment, plan, prediction, promise
from tests.events.conftest import invoice as bill
from tests.holds.helpers import rows

LATER = "2199-01-01T00:00:00Z"
LONG_AGO = "2001-01-01T00:00:00Z"
Case = tuple[str, dict[str, Any], str, str]


def cases(customer: str, invoice: str) -> list[Case]:
    """Endpoint, body, the field that is wrong, and a part of what is said of it."""

    def pay(**changes: Any) -> dict[str, Any]:
        return payment(customer) | changes

    return [
        ("payment", pay(amount="0"), "body.amount", "give more than 0"),
        ("payment", pay(amount="-5.00"), "body.amount", "give more than 0"),
        ("payment", pay(amount="1.001"), "body.amount", "2 digits behind the point"),
        ("payment", pay(amount=10.5), "body.amount", "as strings"),
        *(
            ("payment", pay(amount=odd), "body.amount", "the digits 0 to 9 and one point")
            for odd in ("NaN", "1e17", "1E2", "1_000", " 5 ", "１２.00", "+5", ".5", "5.", "1,000.00", "")
        ),
        ("payment", pay(amount="9" * 17 + ".00"), "body.amount", "digits"),
        ("payment", pay(currency="EUR"), "body.currency", "kept in USD"),
        ("payment", pay(currency="dollars"), "body.currency", "three capital letters"),
        ("payment", pay(paid_on=day(3)), "body.paid_on", "in the future"),
        ("payment", pay(paid_on=day(-400)), "body.paid_on", "more than a year back"),
        ("payment", pay(paid_on="soon"), "body.paid_on", "give a day"),
        ("payment", pay(invoice_id="I-unknown"), "body.invoice_id", "has no invoice"),
        ("payment", pay(payment_id="a\x00b"), "body.payment_id", "null (U+0000)"),
        ("payment", pay(payment_id=" "), "body.payment_id", "fill this in"),
        ("payment", pay(tip="5"), "body.tip", "no such field"),
        ("payment", {"customer_id": customer}, "body.amount", "fill this in"),
        ("invoice", bill(customer, "I", amount="-0.01"), "body.amount", "give 0 or more"),
        ("invoice", bill(customer, "I", amount=10.5), "body.amount", "as strings"),
        ("invoice", bill(customer, "I", amount="1.001"), "body.amount", "2 digits behind the point"),
        ("invoice", bill(customer, "I", currency="EUR"), "body.currency", "kept in USD"),
        ("invoice", bill(customer, "I", due_date="1989-12-31"), "body.due_date", "before 1990"),
        ("invoice", bill(customer, "I", due_date=day(3700)), "body.due_date", "ten years ahead"),
        ("invoice", bill(customer, " "), "body.invoice_id", "fill this in"),
        ("invoice", bill(customer, "I", paid="no"), "body.paid", "no such field"),
        ("dispute", dispute(customer, "I-unknown"), "body.invoice_id", "has no invoice"),
        ("dispute", dispute(customer, invoice, opened_at=LATER), "body.opened_at", "in the future"),
        ("dispute", dispute(customer, invoice, opened_at="2026-01-01T00:00:00"), "opened_at", "with its zone"),
        ("dispute", dispute(customer, invoice, action="reopened"), "body", "choose opened, closed"),
        ("dispute", closed(customer, invoice, "forgotten"), "body.closed.resolution", "choose upheld"),
        ("health-prediction", prediction(customer, "dire"), "body.risk", "high"),
        ("health-prediction", prediction(customer, score="1.2"), "body.score", "give 1 or less"),
        ("health-prediction", prediction(customer, predicted_at=LONG_AGO), "body.predicted_at", "a year back"),
        ("payment-plan", plan(customer), "body.agreed.instalments", "give 1 at least"),
        ("payment-plan", plan(customer, "10.00", "0.00"), "body.agreed.instalments.1.amount", "give more than 0"),
        ("payment-plan", _backwards(customer), "body.agreed.instalments", "must rise"),
        ("payment-plan", plan(customer, "1.00", currency="EUR"), "body.currency", "kept in USD"),
        ("promise-to-pay", promise(customer, promised_for=day(-9)), "body.promised_for", "has passed"),
        ("promise-to-pay", promise(customer, promised_for=day(500)), "body.promised_for", "a year ahead"),
        ("promise-to-pay", promise(customer, made_by=""), "body.made_by", "fill this in"),
    ]


def _backwards(customer: str) -> dict[str, Any]:
    body = plan(customer, "10.00", "10.00")
    body["instalments"].reverse()
    return body


async def test_what_is_wrong_is_named(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    for kind, body, where, what in cases(customer, idle_outside.an_invoice(customer)):
        answer = await idle_outside.send(kind, body)

        assert answer.status_code == 422, (kind, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        named = [one for one in answer.json()["errors"] if where in one["where"] and what in one["what"]]
        assert named, (where, what, answer.json()["errors"])
    assert rows(world, select(func.count()).select_from(InboundEvent)) == [0]


async def test_an_unknown_customer_is_not_found(idle_outside: Outside) -> None:
    answer = await idle_outside.send("payment", payment("nobody"))

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_somebody_else_s_invoice_is_unknown(idle_outside: Outside) -> None:
    mine, other = (idle_outside.world.customer(in_netsuite=False) for _ in range(2))

    answer = await idle_outside.send("payment", payment(mine, invoice_id=idle_outside.an_invoice(other)))

    assert answer.status_code == 422
    assert idle_outside.open_amounts(other) == ["40000.00"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("dispute", {"action": "closed", "invoice_id": "", "resolution": "upheld", "closed_at": ""}),
        ("payment-plan", {"action": "instalment_missed", "number": 1, "missed_at": ""}),
        ("payment-plan", {"action": "ended", "ended_at": ""}),
    ],
)
async def test_an_event_before_the_one_it_is_about_is_out_of_order_and_may_come_again(
    idle_outside: Outside, kind: str, body: dict[str, Any]
) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    invoice = idle_outside.an_invoice(customer)
    values = {"invoice_id": invoice, "closed_at": f"{day()}T00:00:00Z"}
    late = {"customer_id": customer} | {
        key: values.get(key, values["closed_at"]) if value == "" else value for key, value in body.items()
    }
    answer = await idle_outside.send(kind, late, name="again")
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_order")

    await idle_outside.taken(
        kind, dispute(customer, invoice) if kind == "dispute" else plan(customer, "10.00", "10.00")
    )
    await idle_outside.taken(kind, late, name="again")
