"""Whether a content template can be rendered, found out on invented customers before it is used."""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel

from credit import freight_messages
from credit.credit_hold import BLOCK_ALL_TARIFFS
from credit.eligibility import BACK_OFFICE, Action
from credit.facts import Facts
from credit.templates import MessageContext, OpenInvoice, TemplateRefusedError, recommended_next_call
from credit.wording import words
from rendering.texts import filled_in

LONGEST = 20_000
"""Characters of a template that somebody writes."""
_DAY = date(2027, 3, 1)


def _context(facts: Facts, invoices: list[OpenInvoice], rep_name: str) -> MessageContext:
    return MessageContext(
        customer_id="1012",
        customer_name="Harbour Foods Ltd",
        rep_name=rep_name,
        reason="120 days overdue",
        facts=facts,
        invoices=invoices,
        next_call=recommended_next_call(facts, invoices),
    )


def _facts(amount: str, days_overdue: int, **more: object) -> Facts:
    money = Decimal(amount)
    values = {"as_of": _DAY, "total_open": money, "ar_balance": money, "days_overdue": days_overdue, **more}
    return Facts.model_validate(values)


def _samples(name: str) -> list[BaseModel]:
    """Return what the template of this name is tried on: the usual case first."""
    if name in freight_messages.TEMPLATES:
        return [*_on_hold(Action.ADVANCE_LOAD if name == BACK_OFFICE else Action.ORDER)]
    return [*_messages()]


def _on_hold(action: Action) -> list[freight_messages.OnHoldContext]:
    usual = freight_messages.OnHoldContext(
        customer_id="1012",
        customer_name="Harbour Foods Ltd",
        rep_name="Robin Rep",
        blocked=BLOCK_ALL_TARIFFS,
        action=action,
        reference="LOAD-7001" if action is Action.ADVANCE_LOAD else "ORD-7001",
        tariff="",
    )
    bare = usual.model_copy(update={"rep_name": "", "reference": ""})
    rating = {"action": Action.RATE, "blocked": "LTL-STANDARD", "tariff": "LTL-STANDARD", "reference": ""}
    return [usual, bare, usual.model_copy(update=rating)]


def _messages() -> list[MessageContext]:
    """Invented customers on both sides of what a template may ask: the usual one first."""
    invoice = OpenInvoice(id="INV-7001", due_date=date(2026, 11, 1), amount_open=Decimal("40000.00"))
    return [
        _context(_facts("40000.00", 120, oldest_due_date=invoice.due_date, open_invoices=1), [invoice], "Robin Rep"),
        _context(_facts("0.00", 0), [], ""),
        _context(
            _facts(
                "9000.00",
                30,
                open_disputes=1,
                disputed_amount=Decimal("500.00"),
                payment_plan=True,
                prior_holds=2,
                open_invoices=12,
            ),
            [invoice] * 12,
            "Robin Rep",
        ),
    ]


def rendered(name: str, subject: str, body: str) -> tuple[str, str]:
    """Return subject and body as the usual customer would get them, having rendered them for unusual ones too.

    Raises:
        TemplateRefusedError: it is too long, or cannot be rendered for one of them; the text says why.
        RendererAwayError: nothing can be rendered right now.
    """
    for text in (subject, body):
        if len(text) > LONGEST:
            raise TemplateRefusedError(
                f"template “{words(name)}”: it has {len(text):,} characters, shorten it to {LONGEST:,}"
            )
    usual, *unusual = _samples(name)
    result = filled_in(name, subject, body, usual)
    for context in unusual:
        filled_in(name, subject, body, context)
    return result
