"""Thousands of changes at random: the database and a model of the freight spec are equal after every one of them."""

import os
import random
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import randoms
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from credit.credit_hold import OrderStatus
from credit.credit_limit import LimitCause
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles, credit_limits
from db.models import Credit, Customer, Order
from tests.credit_hold.accounts import NOW, WHO, invoice, organisation, pay, set_policy
from tests.credit_hold.model import Account, Model, Observed

STEPS = 1250
SEEDS = range(int(os.environ.get("HOLD_TEST_SEEDS", "4")))
"""More of them on a quiet evening."""
NAMES = {"G": None, "P": "G", "C1": "P", "C2": "P", "X": None}
"""A family two levels deep, and a stranger."""
_OBSERVE = text("""
SELECT p.customer_id, p.credit_status AS status, p.limit_state AS state, p.exposure, p.overridden_at IS NOT NULL,
    ARRAY(SELECT concat_ws(' ', e.source, e.tariffs[1]) FROM credit_hold_entries e
        WHERE e.customer_id = p.customer_id AND e.ended_at IS NULL),
    ARRAY(SELECT t.after || ' ' || t.applied || ' ' || t.lifted FROM limit_transitions t
        WHERE t.customer_id = p.customer_id)
FROM accounting_profiles p
""")


class Walk:
    """The same random steps in the database and in the model."""

    def __init__(self, session: Session, dice: random.Random) -> None:
        self.session = session
        self.dice = dice
        self.done: list[str] = []
        for name, parent in NAMES.items():
            session.add(Customer(id=name, name=name, netsuite_id=name, parent_id=parent))
            session.flush()
            accounting_profiles.set_limit(Act(session, WHO, NOW), name, Decimal(1000))
        self.model = Model({name: Account(parent, Decimal(1000)) for name, parent in NAMES.items()})
        self.steps = [
            *[self.post, self.pay, self.credit] * 3,
            *[self.limit, self.enter, self.leave, self.leave, self.add_entry, self.end_entry] * 2,
            *[self.open_order, self.close_order] * 2,
            *[self.settings] * 3,
            self.define,
        ]

    def step(self) -> None:
        who = self.dice.choice(list(NAMES))
        self.done.append(f"{who}: {self.dice.choice(self.steps)(who)}")
        assert self.observed() == self.model.observed(), "\n".join(self.done[-40:])

    def observed(self) -> Observed:
        return {
            name: {
                "status": status,
                "state": state,
                "exposure": exposure,
                "overridden": overridden,
                "entries": sorted(entries),
                "crossings": sorted(
                    (after, applied == "true", lifted == "true") for after, applied, lifted in map(str.split, crossings)
                ),
            }
            for name, status, state, exposure, overridden, entries, crossings in self.session.execute(_OBSERVE)
        }

    def amount(self) -> Decimal:
        return Decimal(self.dice.choice([1, 30000, 50000, 99999, 100000, self.dice.randrange(150000)])) / 100

    def judge(self, who: str, cause: LimitCause) -> None:
        credit_limits.evaluate(Act(self.session, WHO, NOW), [who], cause=cause)

    def post(self, who: str) -> str:
        amount = self.amount()
        invoice(self.session, who, amount, f"{len(self.done):05}")
        self.model.accounts[who].invoices.append(amount)
        self.model.changed(who)
        return f"post {amount}"

    def pay(self, who: str) -> str:
        everything = max(self.model.exposure(who), Decimal(0))  # so that limits are met again often
        amount = self.dice.choice([self.amount(), everything]) + Decimal("0.01")
        pay(self.session, who, amount)
        self.model.pay(who, amount)
        return f"pay {amount}"

    def credit(self, who: str) -> str:
        amount = self.amount() / 4
        amount = amount.quantize(Decimal("0.01"))
        self.session.add(
            Credit(
                id=str(uuid4()), customer_id=who, amount_unapplied=amount, source_amount=amount, source_currency="USD"
            )
        )
        self.judge(who, LimitCause.PAYMENT)
        self.model.accounts[who].credits += amount
        self.model.changed(who)
        return f"credit {amount}"

    def limit(self, who: str) -> str:
        one = self.model.accounts[who]
        near = self.model.exposure(who)
        one.limit = self.dice.choice([None, Decimal(0), Decimal(1000), Decimal(2500), max(near, Decimal(0))])
        accounting_profiles.set_limit(Act(self.session, WHO, NOW), who, one.limit)
        self.model.changed(who)
        return f"limit {one.limit}"

    def enter(self, who: str) -> str:
        accounting_profiles.enter_credit_hold(Act(self.session, WHO, NOW), who, note="by hand")
        one = self.model.accounts[who]
        one.manual = one.manual or not one.on_hold
        return "enter credit hold"

    def leave(self, who: str) -> str:
        accounting_profiles.leave_credit_hold(Act(self.session, WHO, NOW), who, reason="by phone")
        self.model.leave(who)
        return "leave credit hold"

    def add_entry(self, who: str) -> str:
        tariff = self.dice.choice([None, "LTL", "FTL"])
        tariffs = [tariff] if tariff else None
        accounting_profiles.add_entry(Act(self.session, WHO, NOW), who, tariffs=tariffs, note="n")
        one = self.model.accounts[who]
        if tariff:
            one.tariffs[tariff] = 1
        else:
            one.manual = True
        return f"add entry {tariff}"

    def end_entry(self, who: str) -> str:
        entries = accounting_profiles.entries(self.session, who)
        if not entries:
            return "no entry to end"
        entry = self.dice.choice(sorted(entries, key=lambda row: (row.source, row.tariffs or [])))
        accounting_profiles.end_entry(Act(self.session, WHO, NOW), who, entry.id, reason="done")
        if entry.tariffs:
            del self.model.accounts[who].tariffs[entry.tariffs[0]]
        else:
            self.model.end(who, "auto" if entry.source == "auto_apply" else "manual")
        return f"end entry {entry.source} {entry.tariffs}"

    def open_order(self, who: str) -> str:
        amount, prepaid, number = self.amount(), self.dice.random() < 0.3, f"O{len(self.done)}"
        order = Order(
            id=number, customer_id=who, lines=[], amount=amount, prepaid=prepaid, created_by=WHO, created_at=NOW
        )
        self.session.add(order)
        self.judge(who, LimitCause.ORDER)
        if not prepaid:
            self.model.accounts[who].orders[number] = amount
        self.model.changed(who)
        return f"order {amount} prepaid={prepaid}"

    def close_order(self, who: str) -> str:
        orders = self.model.accounts[who].orders
        if not orders:
            return "no order to close"
        number = self.dice.choice(list(orders))
        how = self.dice.choice([OrderStatus.INVOICED, OrderStatus.CANCELLED])
        self.session.execute(update(Order).where(Order.id == number).values(status=how, closed_at=NOW))
        self.judge(who, LimitCause.ORDER)
        del orders[number]
        self.model.changed(who)
        return f"order {how}"

    def settings(self, _: str) -> str:
        self.model.auto_apply, self.model.auto_lift = self.dice.random() < 0.7, self.dice.random() < 0.4
        organisation(
            self.session, auto_apply_credit_hold=self.model.auto_apply, auto_lift_credit_hold=self.model.auto_lift
        )
        return f"auto-apply {self.model.auto_apply}, auto-lift {self.model.auto_lift}"

    def define(self, _: str) -> str:
        orders, families = self.dice.random() < 0.5, self.dice.random() < 0.5
        set_policy(self.session, exposure_counts_open_orders=orders, family_accounts_together=families)
        self.model.define(orders_count=orders, families=families)
        return f"orders count {orders}, families {families}"


@pytest.mark.parametrize("seed", SEEDS)
def test_database_and_model_are_equal_at_every_step(engine: Engine, seed: int) -> None:
    with transaction(engine) as session:
        walk = Walk(session, random.Random(seed))  # noqa: S311 (reproducible)
        for _ in range(STEPS):
            walk.step()
    crossings = [one for account in walk.model.accounts.values() for one in account.crossings]
    assert any(applied for _, applied, _ in crossings)
    assert any(lifted for _, _, lifted in crossings)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dice=randoms(use_true_random=False))
def test_any_short_sequence_is_equal_and_a_failing_one_is_shrunk(engine: Engine, dice: random.Random) -> None:
    with Session(engine) as session:  # rolled back at its end
        walk = Walk(session, dice)
        for _ in range(25):
            walk.step()
