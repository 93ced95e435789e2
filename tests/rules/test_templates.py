"""Whatever is wrong with a template is told as such: nothing else could be retried into working."""

from datetime import date
from decimal import Decimal

import pytest

from credit.facts import Facts
from credit.templates import MessageContext, OpenInvoice, TemplateRefusedError, recommended_next_call
from rendering.texts import filled_in

FACTS = Facts(
    as_of=date(2026, 11, 21),
    total_open=Decimal("1234567.80"),
    ar_balance=Decimal("1234567.80"),
    days_overdue=95,
)
INVOICE = OpenInvoice(id="I-1", due_date=date(2026, 8, 18), amount_open=Decimal("26010.00"))
CONTEXT = MessageContext(
    customer_id="1", customer_name="A\nB", rep_name="", reason="r", facts=FACTS, invoices=[INVOICE], next_call="today"
)


@pytest.mark.parametrize(
    "body", ["{{ 1 / 0 }}", "{{ nobody }}", "{% if %}", "{{ facts.__class__.__mro__ }}", "{{ facts | nothing }}"]
)
def test_bad_template_is_refused_by_name(body: str) -> None:
    with pytest.raises(TemplateRefusedError, match="template “t”: "):
        filled_in("t", "subject", body, CONTEXT)


def test_subject_is_one_line_and_money_has_thousands() -> None:
    assert filled_in("t", "On hold: {{ customer_name }}", "{{ facts.total_open | money }}", CONTEXT) == (
        "On hold: A B",
        "1,234,567.80",
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "payment date for invoice I-1"),
        ({"open_disputes": 1, "disputed_amount": Decimal(10)}, "dispute"),
        ({"payment_plan": True}, "payment plan"),
        ({"days_overdue": 10}, "within two working days"),
    ],
)
def test_next_call_is_about_what_stands_in_the_way(changes: dict[str, object], says: str) -> None:
    assert says in recommended_next_call(FACTS.model_copy(update=changes), [INVOICE])
