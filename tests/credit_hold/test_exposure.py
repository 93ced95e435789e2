"""Exposure in SQL is what the rule says: credits, closed invoices, prepaid orders, families, circles of parents."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from credit.credit_hold import OrderStatus
from credit.credit_limit import LimitCause, LimitState, state_of
from credit.exposure import Account, Ordered, exposure, members
from db import policies
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles, credit_limits
from db.models import AccountingProfile, Credit, Customer, Invoice, LimitTransition, Order
from tests.credit_hold.accounts import DUE, NOW, WHO, customer, invoice, organisation, set_policy

NAMES = ("G", "P1", "P2", "C1", "C2", "X")
money = st.integers(0, 10**17).map(lambda cents: Decimal(cents) / 100) | st.just(Decimal(0))


class Items(NamedTuple):
    """What one customer has: amounts of invoices and credits, and orders with whether open and prepaid."""

    invoices: list[Decimal]
    credits: list[Decimal]
    orders: list[tuple[Decimal, bool, bool]]
    limit: Decimal | None


items = st.builds(
    Items,
    st.lists(money, max_size=4),
    st.lists(money, max_size=3),
    st.lists(st.tuples(money, st.booleans(), st.booleans()), max_size=3),
    st.none() | money,
)
parents = st.fixed_dictionaries(
    {name: st.sampled_from([None, *NAMES[:place]]) for place, name in enumerate(NAMES)},
)


def account(owed: Items) -> Account:
    """The same for the rule."""
    orders = [
        Ordered(amount, OrderStatus.OPEN if is_open else OrderStatus.CANCELLED, prepaid=prepaid)
        for amount, is_open, prepaid in owed.orders
    ]
    return Account(owed.invoices, owed.credits, orders)


def store(session: Session, owed: dict[str, Items], above: dict[str, str | None]) -> None:
    for table in (Invoice, Credit, Order, LimitTransition, AccountingProfile):
        session.execute(delete(table))
    for name, mine in owed.items():
        session.execute(update(Customer).where(Customer.id == name).values(parent_id=above[name]))
        session.execute(insert(AccountingProfile).values(customer_id=name, credit_limit=mine.limit))
        source = {"customer_id": name, "source_amount": 0, "source_currency": "USD"}
        for place, amount in enumerate(mine.invoices):
            session.execute(insert(Invoice).values(id=f"I{name}{place}", due_date=DUE, amount_open=amount, **source))
        for place, amount in enumerate(mine.credits):
            session.execute(insert(Credit).values(id=f"K{name}{place}", amount_unapplied=amount, **source))
        for place, (amount, is_open, prepaid) in enumerate(mine.orders):
            over = {} if is_open else {"status": OrderStatus.CANCELLED, "closed_at": NOW}
            order = {"id": f"O{name}{place}", "customer_id": name, "amount": amount, "prepaid": prepaid}
            session.execute(insert(Order).values(**order, lines=[], created_by=WHO, created_at=NOW, **over))


@pytest.fixture
def family(engine: Engine) -> Iterator[Session]:
    with transaction(engine) as session:
        session.add_all([Customer(id=name, name=name, netsuite_id=name) for name in NAMES])
        session.flush()
        yield session


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, items)), parents, st.booleans(), st.booleans())
def test_exposure_in_sql_is_what_the_rule_says(
    family: Session,
    owed: dict[str, Items],
    above: dict[str, str | None],
    orders: bool,  # noqa: FBT001
    families: bool,  # noqa: FBT001
) -> None:
    store(family, owed, above)
    set_policy(family, exposure_counts_open_orders=orders, family_accounts_together=families)

    crossed = credit_limits.evaluate(Act(family, WHO, NOW), NAMES, cause=LimitCause.INVOICE)

    accounts = {name: account(mine) for name, mine in owed.items()}
    _, policy = policies.current(family)
    found = {row.customer_id: row for row in family.execute(select(AccountingProfile.__table__))}
    for name in NAMES:
        expected = exposure(name, accounts, above, policy)
        assert found[name].exposure == expected
        assert found[name].limit_state == state_of(expected, owed[name].limit)
    assert crossed == []
    assert credit_limits.evaluate(Act(family, WHO, NOW), NAMES, cause=LimitCause.INVOICE) == []


def test_a_circle_of_parents_does_not_hang_and_counts_nobody_twice(family: Session) -> None:
    """Files and the desk refuse circles; should one be there all the same, sums stay right, in SQL and by the rule."""
    for name, parent in (("G", "P1"), ("P1", "C1"), ("C1", "G")):
        family.execute(update(Customer).where(Customer.id == name).values(parent_id=parent))
    set_policy(family, family_accounts_together=True)
    for name in ("G", "P1", "C1"):
        invoice(family, name, "100")
    assert [accounting_profiles.get(family, name).exposure for name in ("G", "P1", "C1")] == [300] * 3
    parents = {"G": "P1", "P1": "C1", "C1": "G", "X": None}
    assert members("P1", parents, policies.current(family)[1]) == {"G", "P1", "C1"}


def test_a_flip_of_what_counts_is_no_crossing_and_the_next_change_is_judged_by_it(engine: Engine) -> None:
    with transaction(engine) as session:
        organisation(session, auto_apply_credit_hold=True, auto_lift_credit_hold=True)
        parent = customer(session)
        child = customer(session, parent=parent, limit=None)
        invoice(session, child, "1500")
        set_policy(session, family_accounts_together=True)
        assert accounting_profiles.get(session, parent).limit_state is LimitState.EXCEEDED
        assert invoice(session, child, "1") == []

        set_policy(session, family_accounts_together=False)
        assert accounting_profiles.get(session, parent).limit_state is LimitState.ACCEPTABLE
        [crossed] = invoice(session, parent, "1001")
        assert (crossed.customer_id, crossed.applied) == (parent, True)

        set_policy(session, claim_lease=timedelta(minutes=9))
        assert accounting_profiles.get(session, parent).exposure == 1001
