"""A customer's receivables as the pages about a hold, a customer and a new hold show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.policy import Policy
from credit.states import OPEN_HOLD
from credit.triggers import warnings
from db import customers, policies
from db.models import AccountingProfile, Credit, Customer, Invoice, InvoiceDispute, PaymentPlan
from db.receivables import customer_page, payment_plans, receivables
from db.receivables.customer_page import Bucket, InvoiceRow, PastHold

INVOICES = 50
"""How many invoices a page lists, the oldest; it says how many there are."""


@dataclass(frozen=True)
class Bar:
    """One aging bucket and the length of its bar, in hundredths of the longest."""

    bucket: Bucket
    length: int
    late: bool


@dataclass(frozen=True)
class Book:
    """Everything a page shows of what a customer owes."""

    customer: Customer
    facts: Facts
    warnings: list[str]
    policy: Policy
    bars: list[Bar]
    invoices: list[InvoiceRow]
    disputes: Sequence[tuple[InvoiceDispute, Invoice]]
    plan: PaymentPlan | None
    credits: Sequence[Credit]
    profile: AccountingProfile | None
    past_holds: list[PastHold]

    @property
    def open_hold(self) -> PastHold | None:
        """The customer's open hold, unless it was left out."""
        return next((hold for hold in self.past_holds if hold.status in OPEN_HOLD), None)


def open_book(
    session: Session, customer_id: str, now: datetime, *, as_of: date | None = None, but: UUID | None = None
) -> Book:
    """Read a customer's receivables on a day (today's), and its holds except `but`.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    day = as_of or now.date()
    _, policy = policies.current(session)
    facts = receivables.read_facts(session, customer_id, day, policy)
    return Book(
        customer=customers.get(session, customer_id),
        facts=facts,
        warnings=warnings(facts, policy),
        policy=policy,
        bars=_bars(customer_page.buckets(session, customer_id, day)),
        invoices=customer_page.invoices(session, customer_id, day, limit=INVOICES),
        disputes=customer_page.disputes(session, customer_id),
        plan=payment_plans.active_of(session, customer_id, lock=False),
        credits=customer_page.credits_of(session, customer_id),
        profile=customer_page.profile(session, customer_id),
        past_holds=customer_page.past_holds(session, customer_id, but=but),
    )


def _bars(buckets: list[Bucket]) -> list[Bar]:
    longest = max((bucket.amount for bucket in buckets), default=Decimal(0)) or Decimal(1)
    return [Bar(bucket, int(bucket.amount / longest * 100), number > 0) for number, bucket in enumerate(buckets)]


def moved(before: Facts, after: Facts) -> list[tuple[str, str, str]]:
    """Return (name, before, after) of every fact that differs; empty where only the day does."""
    rows = [
        ("Open amount", _money(before.total_open), _money(after.total_open)),
        ("Days overdue", str(before.days_overdue), str(after.days_overdue)),
        ("Open invoices", str(before.open_invoices), str(after.open_invoices)),
        ("Unapplied credits", _money(before.unapplied_credits), _money(after.unapplied_credits)),
        ("Disputed", _disputed(before), _disputed(after)),
        ("Payment plan", _yes(on=before.payment_plan), _yes(on=after.payment_plan)),
        ("Prior holds", str(before.prior_holds), str(after.prior_holds)),
    ]
    found = [row for row in rows if row[1] != row[2]]
    return found if any(name != "Days overdue" for name, _, _ in found) else []


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _disputed(facts: Facts) -> str:
    return f"{facts.open_disputes} ({facts.disputed_amount:,.2f})"


def _yes(*, on: bool) -> str:
    return "yes" if on else "no"
