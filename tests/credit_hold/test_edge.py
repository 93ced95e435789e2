"""The edge of a credit limit: auto-apply acts on the way from acceptable to exceeded, and on nothing else."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from credit.credit_hold import BlockSource, CreditStatus
from credit.credit_limit import LimitCause, LimitState
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles, credit_limits
from db.models import Customer, Invoice, LimitTransition, OrgSettings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHO = "robin"


@pytest.fixture
def customer(engine: Engine) -> str:
    """A customer with a limit of 1,000 and nothing open, evaluated once; auto-apply is on."""
    name = f"C-{uuid4().hex[:8]}"
    with transaction(engine) as session:
        session.add(Customer(id=name, name=name, netsuite_id=name))
        session.execute(update(OrgSettings).values(auto_apply_credit_hold=True))
        session.flush()
        accounting_profiles.set_limit(Act(session, WHO, NOW), name, Decimal(1000))
    return name


def owe(session: Session, customer: str, amount: str) -> list[credit_limits.Transition]:
    invoice = Invoice(
        id=uuid4().hex,
        customer_id=customer,
        due_date=date(2026, 12, 1),
        amount_open=Decimal(amount),
        source_amount=Decimal(amount),
        source_currency="USD",
    )
    session.add(invoice)
    return credit_limits.evaluate(Act(session, WHO, NOW), [customer], cause=LimitCause.INVOICE)


def paid(session: Session, customer: str) -> list[credit_limits.Transition]:
    session.execute(update(Invoice).where(Invoice.customer_id == customer).values(amount_open=0))
    return credit_limits.evaluate(Act(session, WHO, NOW), [customer], cause=LimitCause.PAYMENT)


def test_exactly_the_limit_is_acceptable_and_a_cent_more_is_exceeded(engine: Engine, customer: str) -> None:
    with transaction(engine) as session:
        assert owe(session, customer, "1000.00") == []
        assert accounting_profiles.get(session, customer).limit_state is LimitState.ACCEPTABLE
        [crossed] = owe(session, customer, "0.01")
        assert (crossed.after, crossed.exposure, crossed.applied) == (LimitState.EXCEEDED, Decimal("1000.01"), True)
        profile = accounting_profiles.get(session, customer)
        assert (profile.limit_state, profile.credit_status) == (LimitState.EXCEEDED, CreditStatus.CREDIT_HOLD)
        [entry] = accounting_profiles.entries(session, customer)
        assert (entry.source, entry.tariffs) == (BlockSource.AUTO_APPLY, None)
        assert entry.note == "credit limit 1,000.00 exceeded: exposure 1,000.01"


def test_override_keeps_the_customer_out_until_the_limit_was_met_again(engine: Engine, customer: str) -> None:
    with transaction(engine) as session:
        owe(session, customer, "1500.00")
        left = accounting_profiles.leave_credit_hold(Act(session, "mike", NOW), customer, reason="paid by phone")
        profile = accounting_profiles.get(session, customer)
        assert (left, profile.credit_status) == ([], CreditStatus.GOOD)
        assert (profile.overridden_by, profile.override_reason) == ("mike", "paid by phone")
        assert owe(session, customer, "500.00") == []
        assert accounting_profiles.get(session, customer).credit_status is CreditStatus.GOOD

        [back] = paid(session, customer)
        assert (back.after, back.applied, back.lifted) == (LimitState.ACCEPTABLE, False, False)
        assert accounting_profiles.get(session, customer).overridden_at is None
        [again] = owe(session, customer, "1500.00")
        assert again.applied
        assert accounting_profiles.get(session, customer).credit_status is CreditStatus.CREDIT_HOLD
        rows = session.scalars(select(LimitTransition).where(LimitTransition.customer_id == customer)).all()
        assert [row.applied for row in rows].count(True) == 2


def test_status_set_by_a_person_makes_and_removes_exactly_the_entry_for_all_tariffs(
    engine: Engine, customer: str
) -> None:
    with transaction(engine) as session:
        note = "damaged pallets"
        named = accounting_profiles.add_entry(Act(session, WHO, NOW), customer, tariffs=["LTL"], note=note)
        assert accounting_profiles.get(session, customer).credit_status is CreditStatus.GOOD
        accounting_profiles.enter_credit_hold(Act(session, WHO, NOW), customer, note="by hand")
        accounting_profiles.enter_credit_hold(Act(session, WHO, NOW), customer, note="by hand")
        assert accounting_profiles.get(session, customer).credit_status is CreditStatus.CREDIT_HOLD
        live = accounting_profiles.entries(session, customer)
        assert {tuple(row.tariffs) if row.tariffs else None for row in live} == {("LTL",), None}
        accounting_profiles.leave_credit_hold(Act(session, WHO, NOW), customer, reason="settled")
        profile = accounting_profiles.get(session, customer)
        assert (profile.credit_status, profile.overridden_at) == (CreditStatus.GOOD, None)
        assert [row.id for row in accounting_profiles.entries(session, customer)] == [named.id]
        assert named.note == note
