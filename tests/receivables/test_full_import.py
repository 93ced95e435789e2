"""A file that is the whole ledger: what it closes, and when it refuses to."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from credit.ledger_file import LedgerFileError
from credit.policy import Policy
from db import audit, policies
from db.engine import transaction
from db.receivables.ledger_import import Missing
from db.receivables.ledger_import.missing import refusal
from tests.receivables.files import Import, everything, ledger, rows

WHOLE = Policy(full_import_max_closed=Decimal(1))
OPEN = "SELECT id, amount_open FROM invoices WHERE amount_open > 0 ORDER BY id"
UNAPPLIED = "SELECT id, amount_unapplied FROM credits WHERE amount_unapplied > 0 ORDER BY id"


def items(*amounts: str, start: int = 1) -> list[str]:
    return [f"A,Acme,{number},2020-01-01,{amount}" for number, amount in enumerate(amounts, start)]


def test_what_is_missing_is_closed_and_a_second_time_changes_nothing(load: Import, engine: Engine) -> None:
    load(ledger(*items("10", "20.50", "0", "-4", "-5")))
    partial = load(ledger("B,Bolt,9,2020-01-01,7"))
    assert (partial.invoices_closed, partial.credits_closed, partial.missing) == (0, 0, None)
    file = ledger(*items("10"), "A,Acme,5,,-5", "C,Cup,11,2020-01-01,1")
    report = load(file, full=True, policy=WHOLE)
    assert (report.invoices_closed, report.credits_closed, report.amount_closed) == (2, 1, Decimal("31.50"))
    assert (report.invoices_inserted, report.invoices_unchanged, report.credits_unchanged) == (1, 1, 1)
    assert report.model_dump(mode="json")["amount_closed"] == "31.50"
    assert report.missing is not None
    assert (report.missing.open_items, report.missing.open_amount) == (5, Decimal("46.50"))
    assert rows(engine, OPEN) == [("1", 10), ("11", 1)]
    assert rows(engine, UNAPPLIED) == [("5", 5)]
    assert rows(engine, "SELECT id, source_amount FROM invoices WHERE amount_open = 0 ORDER BY id") == [
        ("2", 0), ("3", 0), ("9", 0),
    ]  # fmt: skip
    assert rows(engine, "SELECT counts->>'invoices_closed', counts->>'amount_closed' FROM imports ORDER BY at")[2] == (
        "2", "31.50",
    )  # fmt: skip
    with transaction(engine) as session:
        _, before_it, event = audit.chain_of(session, audit.SYSTEM)
    assert (before_it.detail["full"], event.detail["full"], event.detail["credits_closed"]) == (False, True, 1)
    before = everything(engine)
    again = load(file, full=True)
    assert (again.imported, again.changed, again.import_id) == (True, False, None)
    assert everything(engine) == before


def test_disputes_of_an_import_close_with_the_invoice_and_those_of_people_stay(load: Import, engine: Engine) -> None:
    load(ledger(*(f"{item},yes" for item in items("1", "1")), *(f"{item}," for item in items("1", start=3)),
                extra="disputed"))  # fmt: skip
    with transaction(engine) as session:
        session.execute(
            text(
                "INSERT INTO customer_invoice_dispute (id, customer_id, invoice_id, reason, source) "
                "VALUES (gen_random_uuid(), 'A', '3', 'wrong goods', 'desk')"
            )
        )
    report = load(ledger(*items("1", start=2)), full=True, policy=WHOLE)
    assert (report.invoices_closed, report.disputes_closed) == (2, 1)
    still = "SELECT invoice_id, source FROM customer_invoice_dispute WHERE closed_at IS NULL ORDER BY 1"
    assert rows(engine, still) == [("2", "import"), ("3", "desk")]


def test_an_item_that_changes_its_sign_is_not_missing(load: Import, engine: Engine) -> None:
    load(ledger(*items("10", "-4")))
    report = load(ledger(*items("-10", "4")), full=True)
    assert report.missing is not None
    assert (report.moved, report.missing.items, report.imported) == (2, 0, True)
    assert (rows(engine, OPEN), rows(engine, UNAPPLIED)) == ([("2", 4)], [("1", 10)])


@pytest.mark.parametrize(
    ("number", "amount", "taken"),
    [
        (30, "300.00", True),
        (31, "1.00", False),
        (1, "300.01", False),
        (30, "0.01", True),
    ],
)
def test_the_policys_share_holds_by_number_and_by_amount(number: int, amount: str, *, taken: bool) -> None:
    missing = Missing(invoices=number - 1, credits=1, amount=amount, open_items=100, open_amount="1000.00")
    said = refusal(missing, most=Decimal("0.30"), told=None, currency="USD")
    assert (said is None) is taken
    assert taken or f"--close-missing {number}" in str(said)


def test_credits_count_like_invoices(load: Import, engine: Engine) -> None:
    load(ledger(*items(*["-10"] * 6, *["10"] * 4)))
    before = everything(engine)
    refused = load(ledger(*items(*["-10"] * 6), "N,New,99,2020-01-01,1"), full=True)
    assert refused.missing == Missing(
        invoices=4, credits=0, amount=Decimal(40), open_items=10, open_amount=Decimal(100)
    )
    assert (refused.imported, refused.changed, refused.import_id, refused.bad_rows) == (False, False, None, 0)
    assert everything(engine) == before
    taken = load(ledger(*items(*["-10"] * 6, "10"), "N,New,99,2020-01-01,1"), full=True)
    assert (taken.invoices_closed, taken.invoices_inserted) == (3, 1)
    assert rows(engine, OPEN) == [("7", 10), ("99", 1)]


def test_a_refusal_says_what_would_be_closed_and_the_number_must_be_exact(load: Import, engine: Engine) -> None:
    load(ledger(*items(*["1000"] * 1500)))
    before = everything(engine)
    file = ledger(*items("1000"))
    assert load(file, full=True).refusal == (
        "the file leaves out 1,499 of 1,500 open items, 1,499,000.00 of 1,500,000.00 USD: more than 30% of the ledger. "
        "Where all of these are settled, close them with --close-missing 1499"
    )
    for wrong in (0, 1498, 1500):
        refused = load(file, full=True, close_missing=wrong)
        assert not refused.imported
        assert f"not {wrong:,}. " in (refused.refusal or "")
    assert everything(engine) == before
    assert load(file, full=True, close_missing=1499).invoices_closed == 1499
    assert not load(file, full=True, close_missing=1499).changed, "the same command again finds nothing to close"


def test_a_wrong_number_is_refused_below_the_share_too() -> None:
    missing = Missing(invoices=1, credits=0, amount=1, open_items=10, open_amount=10)
    told = {number: refusal(missing, most=Decimal("0.30"), told=number, currency="USD") for number in (0, 1, 2, None)}
    assert [number for number, said in told.items() if said is None] == [1, None]


def test_a_file_without_rows_cannot_close_the_ledger(load: Import, engine: Engine) -> None:
    load(ledger(*items("10")))
    before = everything(engine)
    for content in ("", ledger(), ledger(",,,,")):
        with pytest.raises(LedgerFileError):
            load(content, full=True, close_missing=1, policy=WHOLE)
    assert everything(engine) == before


def test_a_bad_row_is_no_closed_invoice(load: Import, engine: Engine) -> None:
    load(ledger(*items("10", "20")))
    before = everything(engine)
    report = load(ledger(*items("10", "x")), full=True, policy=WHOLE)
    assert (report.imported, report.bad_rows, report.missing, report.refusal) == (False, 1, None, None)
    assert everything(engine) == before
    for options in ({"full": True, "skip_bad": True}, {"close_missing": 1}):
        with pytest.raises(ValueError, match="full file"):
            load(ledger(*items("10")), **options)


def test_a_policy_kept_before_the_share_existed_has_the_default(engine: Engine) -> None:
    with transaction(engine) as session:
        assert policies.current(session)[1].full_import_max_closed == Decimal("0.30")


lines = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from(["", "Acme", "ACME Inc", "Bolt"]),
        st.sampled_from(["5", "-5", "0", "7.25"]),
        st.sampled_from(["", "yes", "no"]),
        st.sampled_from(["", "100", "2500"]),
        st.sampled_from(["", "ann@x.com", "Bob@x.com"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def _written(drawn: list[tuple[str, str, str, str, str, str, bool]]) -> Iterator[str]:
    for number, (customer, name, amount, disputed, limit, rep, named) in enumerate(drawn):
        netsuite = f"N-{customer}" if named else ""
        yield f"{customer},{name},{number},2020-01-{number + 1:02},{amount},{disputed},{limit},{rep},{netsuite}"


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines.flatmap(lambda drawn: st.tuples(st.just(list(_written(drawn))), st.permutations(list(_written(drawn))))))
def test_the_order_of_the_rows_changes_nothing(
    load: Import, engine: Engine, orders: tuple[list[str], list[str]]
) -> None:
    extra = "disputed,credit_limit,sales_rep_email,netsuite_id"
    one, other = (ledger(*order, extra=extra) for order in orders)
    made = []
    for file in (one, other):
        with transaction(engine) as session:
            for table in ("customer_invoice_dispute", "invoices", "credits", "customers", "sales_reps"):
                session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 (our own names)
        assert load(file).imported
        made.append(_content(engine))
        assert not load(one).changed
    assert made[0] == made[1]


_CONTENT = (
    """
    SELECT c.id, c.name, netsuite_id, r.email, credit_limit FROM customers c
    LEFT JOIN sales_reps r ON r.id = sales_rep_id LEFT JOIN accounting_profiles ON customer_id = c.id ORDER BY 1
    """,
    "SELECT * FROM invoices ORDER BY id",
    "SELECT * FROM credits ORDER BY id",
    "SELECT customer_id, invoice_id, source, closed_at FROM customer_invoice_dispute ORDER BY 1, 2",
)


def _content(engine: Engine) -> list[list[tuple[object, ...]]]:
    return [rows(engine, query) for query in _CONTENT]
