"""What an import does to credit limits: whoever's amounts, limit or family it changed is judged, once, with it."""

from typing import Any

import pytest
from sqlalchemy import Engine

from credit.policy import Policy
from db.engine import transaction
from tests.credit_hold.accounts import customer, organisation, set_policy
from tests.receivables.files import Import, everything, ledger, rows

STATES = "SELECT customer_id, limit_state, exposure, credit_status FROM accounting_profiles ORDER BY customer_id"


@pytest.fixture(autouse=True)
def auto_apply(engine: Engine) -> None:
    with transaction(engine) as session:
        organisation(session, auto_apply_credit_hold=True, auto_lift_credit_hold=True)


def state(engine: Engine, who: str) -> tuple[Any, ...]:
    return next(row[1:] for row in rows(engine, STATES) if row[0] == who)


def crossings(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(engine, "SELECT customer_id, after, cause, actor FROM limit_transitions ORDER BY customer_id")


def done(report: Any) -> tuple[int, int, int]:
    return report.limits_crossed, report.credit_holds_applied, report.credit_holds_lifted


def test_a_first_import_applies_nothing_and_the_next_one_crosses(load: Import, engine: Engine) -> None:
    first = ledger("A,Acme,1,2026-01-01,900,1000", "B,Bolt,2,2026-01-01,5000,1000", extra="credit_limit")
    assert done(load(first)) == (0, 0, 0)
    assert [row[1] for row in rows(engine, STATES)] == ["acceptable", "exceeded"]

    report = load(ledger("A,Acme,3,2026-01-01,101", "B,Bolt,4,2026-01-01,101"))

    assert (done(report), report.imported) == ((1, 1, 0), True)
    assert crossings(engine) == [("A", "exceeded", "import", "tester")]
    assert state(engine, "A") == ("exceeded", 1001, "credit_hold")
    assert state(engine, "B") == ("exceeded", 5101, "good")
    counts = "SELECT counts->>'limits_crossed', counts->>'credit_holds_applied' FROM imports ORDER BY at DESC LIMIT 1"
    assert rows(engine, counts) == [("1", "1")]


def test_the_same_file_again_writes_nothing(load: Import, engine: Engine) -> None:
    file = ledger("A,Acme,1,2026-01-01,900,1000", "A,Acme,2,2026-01-01,900,1000", extra="credit_limit")
    load(file)
    before = everything(engine)
    assert load(file).import_id is None
    assert everything(engine) == before


def test_a_limit_in_the_file_is_a_change(load: Import, engine: Engine) -> None:
    row = "A,Acme,1,2026-01-01,900"
    load(ledger(f"{row},1000", extra="credit_limit"))
    assert done(load(ledger(f"{row},899", extra="credit_limit"))) == (1, 1, 0)
    assert done(load(ledger(f"{row},900", extra="credit_limit"))) == (1, 0, 1)
    assert state(engine, "A") == ("acceptable", 900, "good")


def test_who_loses_an_invoice_or_credit_to_another_is_judged_too(load: Import, engine: Engine) -> None:
    limits = ledger("A,Acme,1,2026-01-01,900,1000", "B,Bolt,2,2026-01-01,900,1000", extra="credit_limit")
    load(limits)
    report = load(ledger("B,Bolt,1,2026-01-01,900"))
    assert done(report) == (1, 1, 0)
    assert state(engine, "A") == ("acceptable", 0, "good")
    assert state(engine, "B") == ("exceeded", 1800, "credit_hold")

    assert done(load(ledger("A,Acme,1,2026-01-01,900"))) == (1, 0, 1)
    load(ledger("A,Acme,9,,-500"))
    assert state(engine, "A")[1] == 400
    assert done(load(ledger("B,Bolt,9,,-500"))) == (0, 0, 0)
    assert (state(engine, "A")[1], state(engine, "B")[1]) == (900, 400)


def test_what_a_full_file_closes_is_judged(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2026-01-01,900,1000", "B,Bolt,2,2026-01-01,50,", extra="credit_limit"))
    assert done(load(ledger("A,Acme,3,2026-01-01,200"))) == (1, 1, 0)
    report = load(ledger("B,Bolt,2,2026-01-01,50"), full=True, close_missing=2)
    assert (report.invoices_closed, done(report)) == (2, (1, 0, 1))
    assert state(engine, "A") == ("acceptable", 0, "good")


def test_an_invoice_that_turns_into_a_credit_is_judged(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2026-01-01,900,1000", extra="credit_limit"))
    load(ledger("A,Acme,1,2026-01-01,-100"))
    assert state(engine, "A")[1] == -100


# --- families and organisations ----------------------------------------------------------------------------------


def test_parents_and_organisations_come_with_the_file_whatever_the_order_of_its_rows(
    load: Import, engine: Engine
) -> None:
    with transaction(engine) as session:
        set_policy(session, family_accounts_together=True)
        customer(session, name="OLD", limit="500")
    extra = "credit_limit,organisation,parent_id"
    load(ledger("C,Child,1,2026-01-01,900,,,P", "P,Parent,2,2026-01-01,50,1000,main,", extra=extra))
    assert rows(engine, "SELECT id, organisation, parent_id FROM customers ORDER BY id")[:1] == [("C", "main", "P")]
    assert state(engine, "P")[1] == 950

    report = load(ledger("C,Child,1,2026-01-01,900,OLD", extra="parent_id"))
    assert (report.customers_updated, done(report)) == (1, (1, 1, 0))
    assert (state(engine, "P")[1], state(engine, "OLD")[:2]) == (50, ("exceeded", 900))
    load(ledger("C,Child,1,2026-01-01,900,", extra="parent_id"))
    assert rows(engine, "SELECT parent_id FROM customers WHERE id = 'C'") == [("OLD",)]


@pytest.mark.parametrize(
    ("lines", "bad"),
    [
        (["A,Acme,1,2026-01-01,1,nowhere,"], [(2, "organisation", "no organisation nowhere")]),
        (["A,Acme,1,2026-01-01,1,,Q"], [(2, "parent_id", "no customer Q to be the parent")]),
        (["A,Acme,1,2026-01-01,1,,A"], [(2, "parent_id", "customer A would be its own ancestor")]),
        (
            [f"{who},{who},{who},2026-01-01,1,,{parent}" for who, parent in ("AB", "BC", "CA", "DA")],
            [(2, "parent_id", "A would be"), (3, "parent_id", "B would be"), (4, "parent_id", "C would be")],
        ),
        (
            ["A,A,1,2026-01-01,1,,B", "A,A,2,2026-01-01,1,,C", "B,B,3,2026-01-01,1,,", "C,C,4,2026-01-01,1,,"],
            [(3, "parent_id", "customer A has parent B on line 2")],
        ),
        (["A,Acme,1,2026-01-01,1,,B", "B,Bolt,,2026-01-01,1,,"], [(2, "parent_id", "no customer B"), (3, "", "")]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_row(
    load: Import, engine: Engine, lines: list[str], bad: list[tuple[int, str, str]]
) -> None:
    report = load(ledger(*lines, extra="organisation,parent_id"))
    assert not report.imported
    assert len(report.bad) >= len(bad)
    for found, (line, column, reason) in zip(report.bad, bad, strict=False):
        assert found.line == line
        assert not column or found.column == column
        assert reason in found.reason
    assert rows(engine, "SELECT count(*) FROM customers") == [(0,)]


def test_a_circle_closed_by_the_ledger_s_own_parents_is_refused(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2026-01-01,1,", "B,Bolt,2,2026-01-01,1,A", extra="parent_id"))
    report = load(ledger("A,Acme,1,2026-01-01,1,B", "C,Cup,3,2026-01-01,1,", extra="parent_id"), skip_bad=True)
    assert [row.line for row in report.bad] == [2]
    assert rows(engine, "SELECT id, parent_id FROM customers ORDER BY id") == [("A", None), ("B", "A"), ("C", None)]


def test_the_policy_in_force_is_what_counts(load: Import, engine: Engine) -> None:
    """The policy given to the import is about its file; exposure is defined by the one in force."""
    load(ledger("A,Acme,1,2026-01-01,1"), policy=Policy(family_accounts_together=True))
    assert state(engine, "A")[0] == "acceptable"
