"""Message texts: what a template may use. How it is rendered: `rendering.texts`."""

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel

from credit.facts import Facts
from credit.triggers import ReasonClass

SALES_REP = "service_hold_sales_rep"
CUSTOMER_NOTICE = "service_hold_customer_notice"
SALES_REP_RELEASE = "service_hold_sales_rep_release"
RELEASE_NOTICE = "service_hold_release_notice"
REVIEW_NOTICE = "service_hold_review_notice"

_LISTED_INVOICES = 10


class TemplateRefusedError(ValueError):
    """A template that cannot be rendered: the text says which and why."""


class OpenInvoice(BaseModel):
    """One open invoice as a message lists it."""

    id: str
    due_date: date
    amount_open: Decimal


class MessageContext(BaseModel):
    """Everything a template may name."""

    customer_id: str
    customer_name: str
    rep_name: str
    reason: str
    facts: Facts
    invoices: list[OpenInvoice]
    """The oldest ones, ten at most."""
    next_call: str
    reason_class: ReasonClass = ReasonClass.DELINQUENCY


def customer_notice(ground: ReasonClass) -> str:
    """Return the template of a hold's notice: what rests on no late payment may not claim one."""
    claims_lateness = ground in (ReasonClass.DELINQUENCY, ReasonClass.MANUAL)
    return CUSTOMER_NOTICE if claims_lateness else REVIEW_NOTICE


def recommended_next_call(
    facts: Facts, invoices: list[OpenInvoice], ground: ReasonClass = ReasonClass.DELINQUENCY
) -> str:
    """Say whom to call about what: the rep's message must recommend it (service-hold spec, beat 2)."""
    if facts.open_disputes:
        return (
            f"today, to settle the {facts.open_disputes} open dispute(s) over "
            f"{facts.disputed_amount:,.2f} {facts.currency} first; the rest is easier to collect afterwards."
        )
    if facts.payment_plan:
        return "today, about the payment plan: which instalment is late, and when it will arrive."
    if ground is ReasonClass.PREDICTION:
        return "today, to ask how business is going and what terms would help; do not dun, the hold is a precaution."
    if ground is ReasonClass.CREDIT_LIMIT and not facts.days_overdue:
        return "today, about the credit limit: what is paid when, or whether the limit still fits; nothing is late."
    if not invoices:
        return "today, to explain the hold; no open invoice is on record."
    oldest = invoices[0]
    when = "today" if facts.days_overdue > 90 else "within two working days"  # noqa: PLR2004 (as in the trigger conditions)
    return (
        f"{when}, accounts payable: ask for a payment date for invoice {oldest.id} "
        f"({oldest.amount_open:,.2f} {facts.currency}, due {oldest.due_date}), then for the rest."
    )


def values(context: BaseModel) -> dict[str, Any]:
    """Return what a template may name, field by field, as plain data: nothing of it can be called.

    Strings, booleans, integers, decimals and None, and lists and dicts of them; dates are strings like 2027-03-01.

    Raises:
        TypeError: the context has a field of another kind.
    """
    named = context.model_dump()
    if isinstance(context, MessageContext):
        named["invoices"] = named["invoices"][:_LISTED_INVOICES]
    return {name: _plain(value) for name, value in named.items()}


def _plain(value: object) -> Any:
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int() | str() | Decimal():
            return value
        case date():
            return value.isoformat()
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict():
            return {str(name): _plain(one) for name, one in value.items()}
        case _:
            raise TypeError(f"{type(value).__name__} is not for templates")
