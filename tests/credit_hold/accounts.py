"""Customers with limits, and the few ways in which their amounts change, each in the transaction that is given."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from credit.credit_limit import LimitCause
from credit.policy import Policy
from db import policies, policy_change
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles, credit_limits
from db.freight.credit_limits import Transition
from db.models import AccountingProfile, CreditHoldEntry, Customer, LimitTransition, OrgSettings
from db.receivables import invoices, payments

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DUE = date(2026, 12, 1)
WHO = "robin"


def organisation(session: Session, **chosen: bool) -> None:
    session.execute(update(OrgSettings).values(**chosen))


def set_policy(session: Session, **changes: object) -> None:
    _, policy = policies.current(session)
    changed = Policy.model_validate(policy.model_dump() | changes)
    policy_change.change(Act(session, WHO, NOW), changed, note="for a test")


def customer(session: Session, *, limit: str | None = "1000", parent: str | None = None, name: str = "") -> str:
    """Make a customer, evaluated with nothing open."""
    name = name or f"C-{uuid4().hex[:8]}"
    session.add(Customer(id=name, name=name, netsuite_id=name, parent_id=parent))
    session.flush()
    accounting_profiles.set_limit(Act(session, WHO, NOW), name, Decimal(limit) if limit else None)
    return name


def invoice(session: Session, who: str, amount: str | Decimal, number: str = "") -> list[Transition]:
    """Post an invoice as the event does."""
    number = number or uuid4().hex
    money = Decimal(amount)
    invoices.post(session, invoice_id=number, customer_id=who, due_date=DUE, amount=money, currency="USD")
    return credit_limits.evaluate(Act(session, WHO, NOW), [who], cause=LimitCause.INVOICE)


def pay(session: Session, who: str, amount: str | Decimal) -> list[Transition]:
    """Post a payment as the event does."""
    payments.post(
        session,
        payment_id=uuid4().hex,
        customer_id=who,
        invoice_id=None,
        amount=Decimal(amount),
        currency="USD",
        paid_on=NOW.date(),
        now=NOW,
    )
    return credit_limits.evaluate(Act(session, WHO, NOW), [who], cause=LimitCause.PAYMENT)


def profile(engine: Engine, who: str) -> AccountingProfile:
    with transaction(engine) as session:
        return session.get_one(AccountingProfile, who)


def transitions(engine: Engine, who: str) -> list[LimitTransition]:
    with transaction(engine) as session:
        return list(session.scalars(select(LimitTransition).where(LimitTransition.customer_id == who)))


def live(engine: Engine, who: str) -> list[CreditHoldEntry]:
    with transaction(engine) as session:
        return list(accounting_profiles.entries(session, who))
