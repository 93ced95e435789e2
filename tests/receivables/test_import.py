"""What an import makes of a file: customers, invoices, credits, disputes, and what it refuses."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from credit.ledger_file import BadRow, LedgerFileError
from credit.policy import Policy
from credit.states import HoldStatus
from db import audit
from db.engine import transaction
from db.models import Hold
from db.receivables.ledger_import import all_customers_for_netsuite
from db.receivables.receivables import candidates
from tests.receivables.files import (
    EXPORT,
    EXPORT_MAPPING,
    Import,
    everything,
    ledger,
    needs_export,
    plain_candidates,
    rows,
)


@needs_export
def test_the_real_export_is_taken_whole_and_a_second_time_changes_nothing(load: Import, engine: Engine) -> None:
    first = load(EXPORT, mapping=EXPORT_MAPPING, as_of=date(2020, 6, 30))
    assert (first.rows, first.customers, first.invoices_inserted, first.bad_rows) == (3656, 351, 3656, 0)
    assert first.several_spellings == 193
    before = everything(engine)
    with EXPORT.open(newline="") as file:
        wanted = sum(Decimal(row["converted_usd"]) for row in csv.DictReader(file))
    assert rows(engine, "SELECT sum(amount_open), count(*), count(DISTINCT customer_id) FROM invoices") == [
        (wanted, 3656, 351)
    ]
    assert rows(engine, "SELECT id FROM invoices WHERE id = '2960623488'")
    assert rows(engine, "SELECT id FROM customers WHERE id = '0140105686'")

    again = load(EXPORT, mapping=EXPORT_MAPPING, as_of=date(2020, 6, 30))
    assert (again.imported, again.changed, again.import_id) == (True, False, None)
    assert (again.invoices_unchanged, again.customers) == (3656, 351)
    assert everything(engine) == before


@needs_export
@pytest.mark.parametrize(("as_of", "count"), [(date(2020, 6, 30), 130), (date(2020, 8, 1), 214)])
def test_the_scan_finds_whom_plain_python_finds(load: Import, engine: Engine, as_of: date, count: int) -> None:
    load(EXPORT, mapping=EXPORT_MAPPING)
    with transaction(engine) as session:
        found = candidates(session, as_of, Policy(), now=datetime.now(UTC))
    plain = plain_candidates(EXPORT, as_of)
    assert {one.customer_id: (one.facts.total_open, one.facts.days_overdue) for one in found} == plain
    assert len(found) == count


def test_what_changed_is_recorded_once(load: Import, engine: Engine) -> None:
    report = load(ledger("A,Acme,1,2020-01-01,10"), as_of=date(2020, 6, 30), actor="ann")
    (kept,) = rows(engine, "SELECT id, file_name, sha256, as_of, actor, counts->>'invoices_inserted' FROM imports")
    assert kept == (report.import_id, "ledger.csv", report.sha256, date(2020, 6, 30), "ann", "1")
    with transaction(engine) as session:
        (event,) = audit.chain_of(session, audit.SYSTEM)
        assert (event.actor, event.action) == ("ann", "ar_imported")
        assert event.detail["import_id"] == str(report.import_id)
        assert event.hash == audit.digest(event)


def test_a_changed_row_touches_itself_alone(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2020-01-01,10", "A,Acme,2,2020-01-01,10", "B,Bolt,3,2020-01-01,10"))
    before = everything(engine)
    report = load(ledger("A,Acme,1,2020-01-01,10", "A,Acme,2,2020-01-02,7.5", "B,Bolt,3,2020-01-01,10"))
    after = everything(engine)
    assert (report.invoices_updated, report.invoices_unchanged, report.customers_updated) == (1, 2, 0)
    assert after["customers"] == before["customers"]
    assert len(set(after["invoices"]) & set(before["invoices"])) == 2
    assert rows(engine, "SELECT due_date, amount_open FROM invoices WHERE id = '2'") == [
        (date(2020, 1, 2), Decimal("7.50"))
    ]


def test_the_most_frequent_spelling_wins_and_of_equals_the_smallest(load: Import, engine: Engine) -> None:
    report = load(
        ledger(
            "A,Acme,1,2020-01-01,1", "A,ACME Inc,2,2020-01-01,1", "A,ACME Inc,3,2020-01-01,1",
            "B,Zeta,4,2020-01-01,1", "B,Alpha,5,2020-01-01,1",
            "C, Same  name ,6,2020-01-01,1", "C,Same name,7,2020-01-01,1", "D,,8,2020-01-01,1",
        )
    )  # fmt: skip
    assert report.several_spellings == 2
    assert rows(engine, "SELECT id, name FROM customers ORDER BY id") == [
        ("A", "ACME Inc"), ("B", "Alpha"), ("C", "Same name"), ("D", "D"),
    ]  # fmt: skip
    load(ledger("A,,1,2020-01-01,1", "B,Beta,4,2020-01-01,1"))
    assert rows(engine, "SELECT name FROM customers WHERE id IN ('A', 'B') ORDER BY id") == [("ACME Inc",), ("Beta",)]


def test_credits_zero_and_a_changing_sign(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2020-01-01,10", "A,Acme,2,,(4.00)", "A,Acme,3,2020-01-01,0"))
    assert rows(engine, "SELECT id, amount_open FROM invoices ORDER BY id") == [("1", 10), ("3", 0)]
    assert rows(engine, "SELECT id, amount_unapplied FROM credits") == [("2", 4)]
    turned = ledger("A,Acme,1,2020-01-01,-10", "A,Acme,2,2020-02-02,4", "A,Acme,3,2020-01-01,0")
    report = load(turned)
    assert (report.moved, report.invoices_inserted, report.credits_inserted) == (2, 1, 1)
    assert rows(engine, "SELECT id, amount_open FROM invoices ORDER BY id") == [("2", 4), ("3", 0)]
    assert rows(engine, "SELECT id, amount_unapplied FROM credits") == [("1", 10)]
    assert not load(turned).changed


def test_an_invoice_that_was_disputed_is_kept_at_zero_when_it_becomes_a_credit(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2020-01-01,10,yes", extra="disputed"))
    report = load(ledger("A,Acme,1,2020-01-01,-10,no", extra="disputed"))
    assert (report.moved, report.disputes_closed) == (1, 1)
    assert rows(engine, "SELECT amount_open FROM invoices") == [(0,)]
    assert rows(engine, "SELECT amount_unapplied FROM credits") == [(10,)]
    assert not load(ledger("A,Acme,1,2020-01-01,-10,no", extra="disputed")).changed


def test_disputes_open_and_only_those_of_an_import_close(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2020-01-01,10,yes", "A,Acme,2,2020-01-01,10,", "A,Acme,3,2020-01-01,10,0", extra="disputed"))
    assert rows(engine, "SELECT invoice_id, source FROM customer_invoice_dispute") == [("1", "import")]
    with transaction(engine) as session:
        session.execute(
            text(
                "INSERT INTO customer_invoice_dispute (id, customer_id, invoice_id, reason, source) "
                "VALUES (gen_random_uuid(), 'A', '2', 'wrong goods', 'desk')"
            )
        )
    still = load(ledger("A,Acme,1,2020-01-01,10", "A,Acme,2,2020-01-01,10"))
    assert not still.changed, "a file without the column says nothing of disputes"
    assert not load(ledger("A,Acme,1,2020-01-01,10,1", "A,Acme,2,2020-01-01,10,1", extra="disputed")).changed
    closed = load(ledger("A,Acme,1,2020-01-01,10,no", "A,Acme,2,2020-01-01,10,no", extra="disputed"))
    assert closed.disputes_closed == 1
    open_now = "SELECT invoice_id, source FROM customer_invoice_dispute WHERE closed_at IS NULL"
    assert rows(engine, open_now) == [("2", "desk")]
    moved = load(ledger("B,Bolt,2,2020-01-01,10"))
    assert moved.invoices_updated == 1
    assert rows(engine, "SELECT customer_id FROM customer_invoice_dispute WHERE source = 'desk'") == [("B",)]


def test_sales_reps_limits_and_addresses(load: Import, engine: Engine) -> None:
    extra = "sales_rep_email,credit_limit,customer_email,netsuite_id"
    first = ledger(
        "A,Acme,1,2020-01-01,1,Ann@x.com,5000,ap@a.com,77", "B,Bolt,2,2020-01-01,1,ann@X.com,,,", extra=extra
    )
    report = load(first)
    assert (report.sales_reps_inserted, report.credit_limits_changed) == (1, 1)
    query = (
        "SELECT c.id, r.email, p.credit_limit, c.email, c.netsuite_id FROM customers c "
        "LEFT JOIN sales_reps r ON r.id = c.sales_rep_id "
        "LEFT JOIN accounting_profiles p ON p.customer_id = c.id ORDER BY 1"
    )
    kept = [("A", "ann@x.com", 5000, "ap@a.com", "77"), ("B", "ann@x.com", None, None, "B")]
    assert rows(engine, query) == kept
    assert not load(first).changed
    assert not load(ledger("A,Acme,1,2020-01-01,1,,,,", extra=extra)).changed, "an empty cell takes nothing away"
    report = load(ledger("A,Acme,1,2020-01-01,1,bob@x.com,6000,,", extra=extra))
    assert (report.customers_updated, report.credit_limits_changed) == (1, 1)
    assert rows(engine, query)[0] == ("A", "bob@x.com", 6000, "ap@a.com", "77")


def test_an_import_lifts_and_sets_no_flag(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2020-01-01,1"))
    with transaction(engine) as session:
        session.execute(text("UPDATE customers SET entitystatus = 'hold'"))
    load(ledger("A,Acme Ltd,1,2020-01-01,2"))
    assert rows(engine, "SELECT name, entitystatus FROM customers") == [("Acme Ltd", "hold")]


def test_other_currencies_are_converted_at_the_rate_given(load: Import, engine: Engine) -> None:
    file = ledger("A,Acme,1,2020-01-01,100.01,EUR", "A,Acme,2,2020-01-01,5,USD", extra="currency")
    refused = load(file)
    assert (refused.imported, refused.bad_rows, refused.bad[0].line) == (False, 1, 2)
    assert "--rate EUR=RATE" in refused.bad[0].reason
    assert rows(engine, "SELECT * FROM customers") == []
    load(file, rates={"EUR": Decimal("1.085")})
    assert rows(engine, "SELECT amount_open, source_amount, source_currency, rate FROM invoices ORDER BY id") == [
        (Decimal("108.51"), Decimal("100.01"), "EUR", Decimal("1.085")),
        (Decimal(5), Decimal(5), "USD", Decimal(1)),
    ]
    assert not load(file, rates={"EUR": Decimal("1.085")}).changed
    assert load(file, rates={"EUR": Decimal("1.09")}).invoices_updated == 1


def test_a_file_with_bad_rows_changes_nothing_unless_they_may_be_skipped(load: Import, engine: Engine) -> None:
    file = ledger("A,Acme,1,2020-01-01,1", "A,Acme,2,03/04/2020,1", "B,Bolt,1,2020-01-01,2", "A,Acme,4,2020-01-01,x")
    seen: list[BadRow] = []
    before = everything(engine)
    refused = load(file, on_bad_row=seen.append)
    assert (refused.imported, refused.rows, refused.bad_rows) == (False, 4, 3)
    assert [(row.line, row.column) for row in refused.bad] == [(3, "due_date"), (4, "invoice_id"), (5, "amount_open")]
    assert refused.bad[1].reason == "the same id as on line 2"
    assert sorted(row.line for row in seen) == [3, 4, 5]
    assert everything(engine) == before
    taken = load(file, skip_bad=True)
    assert (taken.imported, taken.bad_rows, taken.invoices_inserted, taken.customers) == (True, 3, 1, 1)
    assert rows(engine, "SELECT id, customer_id FROM invoices") == [("1", "A")]
    assert not load(ledger("A,Acme,1,2020-01-01,x"), skip_bad=True).imported, "no good row, nothing imported"


def test_all_bad_rows_are_counted_and_the_first_thousand_listed(load: Import) -> None:
    report = load(ledger(*(f"A,Acme,{number},2020-01-01,x" for number in range(1500))))
    assert (report.bad_rows, len(report.bad), report.bad[-1].line) == (1500, 1000, 1001)


def test_a_netsuite_id_belongs_to_one_customer(load: Import, engine: Engine) -> None:
    extra = "netsuite_id"
    twice = load(ledger("A,Acme,1,2020-01-01,1,9", "B,Bolt,2,2020-01-01,1,9", "B,Bolt,3,2020-01-01,1,", extra=extra))
    assert [(row.line, row.column) for row in twice.bad] == [(3, "netsuite_id"), (4, "customer_id")]
    assert twice.bad[0].reason == "NetSuite id 9 is claimed by two customers, A and B"
    two = load(ledger("A,Acme,1,2020-01-01,1,9", "A,Acme,2,2020-01-01,1,8", extra=extra))
    assert [(row.line, row.reason) for row in two.bad] == [(3, "customer A has NetSuite id 9 on line 2")]

    load(ledger("A,Acme,1,2020-01-01,1,B", extra=extra))
    by_default = load(ledger("B,Bolt,2,2020-01-01,1"))
    assert (by_default.imported, by_default.bad[0].column) == (False, "customer_id")
    assert by_default.bad[0].reason == "NetSuite id B is claimed by two customers, A and B"
    load(ledger("A,Acme,1,2020-01-01,1,10", "B,Bolt,2,2020-01-01,1,20", "C,Cup,3,2020-01-01,1,30", extra=extra))
    # C stays at 30, so B cannot have it; so B stays at 20, and A cannot have that.
    chain = load(ledger("A,Acme,1,2020-01-01,5,20", "B,Bolt,2,2020-01-01,5,30", extra=extra), skip_bad=True)
    assert [(row.line, row.reason.split(", ")[1]) for row in chain.bad] == [(2, "B and A"), (3, "C and B")]
    swap = load(ledger("A,Acme,1,2020-01-01,1,20", "B,Bolt,2,2020-01-01,1,10", extra=extra))
    assert (swap.bad_rows, swap.customers_updated) == (0, 2)
    assert rows(engine, "SELECT id, netsuite_id FROM customers ORDER BY id") == [("A", "20"), ("B", "10"), ("C", "30")]
    with transaction(engine) as session:
        (batch,) = all_customers_for_netsuite(session)
    assert batch[0] == {"id": "20", "externalId": "A", "companyName": "Acme"}


def test_an_external_reference_is_no_netsuite_id(load: Import, engine: Engine) -> None:
    named = load(ledger("A,Acme,1,2020-01-01,1,eid:7", "B,Bolt,2,2020-01-01,1,EID:8", extra="netsuite_id"))
    assert [(row.line, row.column, row.value) for row in named.bad] == [
        (2, "netsuite_id", "eid:7"), (3, "netsuite_id", "EID:8"),
    ]  # fmt: skip
    assert "external id" in named.bad[0].reason
    by_default = load(ledger("eid:7,Acme,1,2020-01-01,1"))
    assert [(row.line, row.column) for row in by_default.bad] == [(2, "customer_id")]
    assert load(ledger("eid:7,Acme,1,2020-01-01,1,70", extra="netsuite_id")).imported
    assert rows(engine, "SELECT id, netsuite_id FROM customers") == [("eid:7", "70")]


def test_a_netsuite_id_stays_while_a_hold_is_open(load: Import, engine: Engine) -> None:
    load(ledger("A,Acme,1,2020-01-01,1"))
    now = datetime.now(UTC)
    hold = Hold(
        id=uuid4(), customer_id="A", status=HoldStatus.IN_FORCE, reason="", warnings=[],
        run_id="r", proposed_at=now, in_force_at=now,
    )  # fmt: skip
    with transaction(engine) as session:
        session.add(hold)
    changing = ledger("A,Acme,1,2020-01-01,1,99", extra="netsuite_id")
    refused = load(changing)
    assert "has an open hold that goes by NetSuite id A" in refused.bad[0].reason
    with transaction(engine) as session:
        session.execute(text("UPDATE holds SET status = 'released', closed_at = now()"))
    assert load(changing).customers_updated == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"customer_id,invoice_id,due_date,amount_open\n", "no rows"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\x1f\x8b\x08", "gzip"),
        ("customer_id".encode("utf-16"), "UTF-16"),
        (b"customer_id\x81\n", "neither UTF-8 nor Windows-1252 text .byte 0x81 near byte 11"),
        (b"a,b\n1,2\n", "the file has: a, b"),
        (b'customer_id,invoice_id,due_date,amount_open\nA,1,2020-01-01,1\nA,"2,2020-01-01,1\n', "line 3"),
    ],
)
def test_files_that_are_refused_as_a_whole(load: Import, engine: Engine, content: bytes, reason: str) -> None:
    with pytest.raises(LedgerFileError, match=reason):
        load(content)
    assert rows(engine, "SELECT * FROM customers") == []


def test_other_encodings(load: Import, engine: Engine) -> None:
    file = ledger("A,Bäcker & Söhne,1,2020-01-01,1").replace("\n", "\r\n").replace(",", ";")
    assert load(file.encode("cp1252")).encoding == "cp1252"
    assert rows(engine, "SELECT name FROM customers") == [("Bäcker & Söhne",)]
    again = load(b"\xef\xbb\xbf" + file.encode())
    assert (again.encoding, again.changed) == ("utf-8-sig", False)


def test_text_that_could_end_a_copied_row(load: Import, engine: Engine) -> None:
    load(ledger(r"A\t\N,\.,1,2020-01-01,1", r'\N,"x\\y",\.,2020-01-01,1'))
    assert rows(engine, "SELECT id, name FROM customers ORDER BY id") == [("A\\t\\N", "\\."), ("\\N", "x\\\\y")]


def test_a_file_that_is_not_there(load: Import, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        load(tmp_path / "absent.csv")
