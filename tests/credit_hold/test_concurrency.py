"""Changes at the same moment, in real transactions: a limit is crossed once, and ends where its sum says."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from credit.credit_hold import CreditStatus
from credit.credit_limit import LimitState
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.models import LimitTransition
from tests.credit_hold.accounts import (
    NOW,
    WHO,
    customer,
    invoice,
    live,
    organisation,
    pay,
    profile,
    set_policy,
    transitions,
)
from tests.receivables.files import Import, make_import

Change = Callable[[Session], object]


class Abreast:
    """Runs changes side by side, each in its own transaction; all have begun before any of them goes on."""

    def __init__(self, engine: Engine, most: int = 8) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(most)

    def __call__(self, *changes: Change) -> None:
        ready = threading.Barrier(len(changes))

        def run(change: Change) -> None:
            with transaction(self._engine) as session:
                session.connection()
                ready.wait(30)
                change(session)

        for done in [self._threads.submit(run, change) for change in changes]:
            done.result(60)

    def close(self) -> None:
        self._threads.shutdown()


@pytest.fixture
def abreast(engine: Engine) -> Iterator[Abreast]:
    with transaction(engine) as session:
        organisation(session, auto_apply_credit_hold=True)
    made = Abreast(engine)
    yield made
    made.close()


def made(engine: Engine, **how: str) -> str:
    with transaction(engine) as session:
        return customer(session, **how)


def test_two_postings_that_cross_at_once_give_one_transition_one_entry_one_proposal(
    engine: Engine, abreast: Abreast
) -> None:
    for _ in range(60):
        who = made(engine)
        abreast(*[lambda session, who=who: invoice(session, who, "600")] * 2)

        [crossed] = transitions(engine, who)
        assert (crossed.applied, crossed.proposed_at, crossed.exposure) == (True, None, Decimal(1200))
        [entry] = live(engine, who)
        assert entry.source == "auto_apply"
        assert profile(engine, who).credit_status is CreditStatus.CREDIT_HOLD


def test_eight_postings_at_once_cross_once(engine: Engine, abreast: Abreast) -> None:
    for _ in range(15):
        who = made(engine)
        abreast(*[lambda session, who=who: invoice(session, who, "300")] * 8)
        assert [row.after for row in transitions(engine, who)] == [LimitState.EXCEEDED]
        assert profile(engine, who).exposure == Decimal(2400)


def test_a_payment_and_an_invoice_racing_end_where_their_sum_says(engine: Engine, abreast: Abreast) -> None:
    """900 of 1,000 are open, 500 come and some go: whichever is first, the end is that of the sum."""
    firsts = set()
    for number in range(200):
        who, paid = made(engine), 300 if number % 2 else 500
        with transaction(engine) as session:
            invoice(session, who, "900")
        abreast(
            lambda session, who=who: invoice(session, who, "500"),
            lambda session, who=who, paid=paid: pay(session, who, str(paid)),
        )
        now, crossed = profile(engine, who), transitions(engine, who)
        assert now.exposure == 1400 - paid
        assert now.limit_state == ("exceeded" if paid == 300 else "acceptable")
        if paid == 300:
            assert len(crossed) == 1
        else:  # the invoice first crosses twice, the payment first not at all
            assert len(crossed) in (0, 2)
            firsts.add(len(crossed))
    assert firsts == {0, 2}, "the rounds never raced"


def test_a_limit_changed_beside_a_posting_is_judged_with_it(engine: Engine, abreast: Abreast) -> None:
    for _ in range(60):
        who = made(engine)
        abreast(
            lambda session, who=who: accounting_profiles.set_limit(Act(session, WHO, NOW), who, Decimal(700)),
            lambda session, who=who: invoice(session, who, "800"),
        )
        assert [row.after for row in transitions(engine, who)] == [LimitState.EXCEEDED]
        assert len(live(engine, who)) == 1


def test_a_person_s_override_beside_an_edge_stands_or_comes_first(engine: Engine, abreast: Abreast) -> None:
    """Paid down and exceeded again while somebody takes the customer out: an override, or a hold; never both."""
    seen: set[int] = set()
    for round_ in range(1000):
        if round_ >= 60 and seen == {0, 1}:
            break
        who = made(engine)
        with transaction(engine) as session:
            invoice(session, who, "1200")

        def again(session: Session, who: str = who) -> None:
            pay(session, who, "1200")
            invoice(session, who, "1500")

        abreast(
            again,
            lambda session, who=who: accounting_profiles.leave_credit_hold(
                Act(session, "mike", NOW), who, reason="by phone"
            ),
        )
        now, blocks = profile(engine, who), live(engine, who)
        assert now.limit_state == "exceeded"
        assert (now.overridden_at is not None) is (blocks == []) is (now.credit_status is CreditStatus.GOOD)
        assert len(blocks) <= 1
        seen.add(len(blocks))
    assert seen == {0, 1}, "the rounds never raced"


def test_families_are_locked_in_one_order(engine: Engine, abreast: Abreast) -> None:
    """The parent's id sorts before the child's and after the other's: no deadlock, and the parent's sum is whole."""
    with transaction(engine) as session:
        set_policy(session, family_accounts_together=True)
        customer(session, name="M-parent", limit="100000")
        for name in ("A-child", "Z-child"):
            customer(session, name=name, limit="100000", parent="M-parent")
    for _ in range(40):
        abreast(
            lambda session: invoice(session, "A-child", "10"),
            lambda session: invoice(session, "Z-child", "10"),
            lambda session: invoice(session, "M-parent", "10"),
            lambda session: accounting_profiles.set_limit(Act(session, WHO, NOW), "Z-child", Decimal(90000)),
            lambda session: accounting_profiles.set_limit(Act(session, WHO, NOW), "M-parent", Decimal(90000)),
            lambda session: pay(session, "Z-child", "5"),
        )
    assert profile(engine, "M-parent").exposure == 40 * 25


def test_a_policy_that_changes_beside_postings_crosses_nothing(engine: Engine, abreast: Abreast) -> None:
    with transaction(engine) as session:
        customer(session, name="P", limit="1000")
        customer(session, name="P-child", limit="100000", parent="P")
        invoice(session, "P-child", "5000")
    for number in range(30):
        abreast(
            lambda session, number=number: set_policy(session, family_accounts_together=number % 2 == 0),
            *[lambda session: invoice(session, "P", "1")] * 2,
            lambda session: invoice(session, "P-child", "1"),
        )
    assert transitions(engine, "P") == []
    assert profile(engine, "P").exposure == 60


def test_imports_beside_payments_lose_no_cent_and_no_transaction(
    engine: Engine, abreast: Abreast, tmp_path: Path
) -> None:
    """A file changes every invoice, in another order than payments lock them, while payments of them are posted."""
    load: Import = make_import(engine, tmp_path)
    names = [f"C{number}" for number in range(6)]

    def file(amount: int) -> str:
        head = "customer_id,invoice_id,due_date,amount_open,credit_limit"
        rows = [f"{who},{who}-{one},2026-0{1 + one}-01,{amount + one},2000" for one in range(8) for who in names]
        return "\n".join([head, *(rows if amount % 2 else reversed(rows))])

    load(file(100))
    for number in range(12):
        thread = threading.Thread(target=load, args=(file(101 + number),))
        thread.start()
        abreast(*[lambda session, who=who: pay(session, who, "650") for who in names])
        thread.join(60)
        load(file(300 + number))  # beyond the limit
        load(file(10 + number))
    with transaction(engine) as session:
        crossed = select(LimitTransition.customer_id, func.count()).group_by(LimitTransition.customer_id)
        counts = {row.customer_id: row.count for row in session.execute(crossed)}
    for who in names:
        assert counts[who] % 2 == 0
        assert profile(engine, who).limit_state == "acceptable"
