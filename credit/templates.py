"""Message texts: what a template may use, and how it is rendered."""

from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
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
    when = "today" if facts.days_overdue > 90 else "within two working days"  # noqa: PLR2004 (the spec's 90 days)
    return (
        f"{when}, accounts payable: ask for a payment date for invoice {oldest.id} "
        f"({oldest.amount_open:,.2f} {facts.currency}, due {oldest.due_date}), then for the rest."
    )


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    environment.filters["money"] = lambda amount: f"{amount:,.2f}"
    return environment


def render(name: str, subject: str, body: str, context: BaseModel) -> tuple[str, str]:
    """Return subject and body of the message; the fields of `context` are what the template may name.

    Raises:
        TemplateRefusedError: the template has a syntax error, names something unknown or does what it may not.
    """
    values: dict[str, Any] = {field: getattr(context, field) for field in type(context).model_fields}
    if isinstance(context, MessageContext):
        values["invoices"] = context.invoices[:_LISTED_INVOICES]
    environment = _environment()
    try:
        rendered = environment.from_string(subject).render(values), environment.from_string(body).render(values)
    except Exception as error:
        msg = f"template {name}: {error}; mend it in content_templates, then retry the beat"
        raise TemplateRefusedError(msg) from error
    return rendered[0].replace("\n", " ").strip(), rendered[1]
