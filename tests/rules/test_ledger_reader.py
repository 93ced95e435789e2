"""Files as a whole: delimiters, headers, quotes, and which rows are refused where."""

import contextlib
import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.ledger_file import BadRow, LedgerFileError, LedgerFormat, LedgerReader, LedgerRow

HEADER = "customer_id,invoice_id,due_date,amount_open\n"


def read(text: str, form: LedgerFormat | None = None) -> list[LedgerRow | BadRow]:
    return list(LedgerReader(io.StringIO(text, newline=""), form or LedgerFormat()))


def only(text: str, form: LedgerFormat | None = None) -> LedgerRow | BadRow:
    (row,) = read(text, form)
    return row


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(
    lambda text: text.isprintable() and text.lower() not in {"nan", "nat", "null", "none"}
)
names = st.text(st.sampled_from("ab\"',;|\t\n x"), max_size=12)


@given(
    st.lists(st.tuples(printable, printable, names, st.integers(-(10**9), 10**9)), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_what_csv_writes_is_read_back(
    wanted: list[tuple[str, str, str, int]], delimiter: str, end: str, mark: str
) -> None:
    file = io.StringIO(newline="")
    rows = csv.writer(file, delimiter=delimiter, lineterminator=end)
    rows.writerow(["Unused", "customer_id", "invoice_id", "customer_name", "due_date", "amount_open"])
    for customer, invoice, name, amount in wanted:
        rows.writerow(["'x\"", customer, invoice, name, "2020-04-10 00:00:00", f"{Decimal(amount).scaleb(-2):.2f}"])
    got = read(mark + file.getvalue())
    expected = [row for row in wanted if not _float_like(row[0]) and not _float_like(row[1])]
    assert len(got) == len(wanted)
    if len(expected) == len(wanted):
        assert [
            (row.customer_id, row.invoice_id, row.customer_name or "", row.is_credit, row.amount)
            for row in got
            if isinstance(row, LedgerRow)
        ] == [
            (customer, invoice, " ".join(name.split()), amount < 0, abs(Decimal(amount).scaleb(-2)))
            for customer, invoice, name, amount in wanted
        ]
    starts = [row.line for row in got]
    assert starts == sorted(set(starts))


def _float_like(text: str) -> bool:
    return "." in text or "+" in text or "#" in text or "/" in text


def test_a_row_is_named_by_the_physical_line_it_starts_on() -> None:
    text = HEADER.replace("\n", ",note\n") + 'A,1,2020-01-01,5,"two\nlines"\n\n,,,,\nB,2,2020-01-01,x,\n'
    good, bad = read(text)
    assert isinstance(good, LedgerRow)
    assert good.line == 2
    assert bad == BadRow(6, "amount_open", bad[2], "x")


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("A,1,2020-01-01", "", "has 3 fields where the header has 4"),
        ("A,1,2020-01-01,5,6", "", "has 5 fields where the header has 4"),
        (",1,2020-01-01,5", "customer_id", "empty"),
        ("A,,2020-01-01,5", "invoice_id", "empty"),
        ("A,1,,5", "due_date", "only a credit"),
        ("A,1,,0", "due_date", "only a credit"),
        ("A,1,03/04/2020,5", "due_date", "ambiguous"),
        ("A,1,2020-01-01,", "amount_open", "empty"),
        ('A,1,2020-01-01,"5"x', "", "closing quote"),
        ('A,"1,2020-01-01,5\nB,2",2020-01-01,x,5', "", "runs from line 2 to 3"),
    ],
)
def test_bad_rows(row: str, column: str, reason: str) -> None:
    bad = only(HEADER + row + "\n")
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.column) == (2, column)
    assert reason in bad.reason


def test_the_files_own_column_name_is_given() -> None:
    form = LedgerFormat(mapping={"due_date": "Due In"})
    bad = only("CUSTOMER_ID;invoice_id;Due In;amount_open\nA;1;x;5\n", form)
    assert isinstance(bad, BadRow)
    assert bad.column == "Due In"


def test_a_credit_needs_no_due_date() -> None:
    row = only(HEADER + "A,1,,(5.00)\n")
    assert isinstance(row, LedgerRow)
    assert (row.is_credit, row.amount, row.due_date) == (True, 5, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        (HEADER, "no rows"),
        (HEADER + ",,,\n\n", "no rows"),
        ("a,b\n1,2\n", "no column for customer_id, invoice_id, due_date, amount_open; the file has: a, b"),
        (
            HEADER.replace("due_date", "x"),
            "no column for due_date; the file has: customer_id, invoice_id, x, amount_open",
        ),
        ("customer_id," + HEADER + "A,A,1,2020-01-01,5\n", "more than one column customer_id"),
        ('"a,b\n' + "x\n" * 30, "never closed"),
        (HEADER + 'A,"1,2020-01-01,5\nB,2,2020-01-01,5\n', "line 2: .*never closed"),
        (HEADER + 'A,"' + "x\n" * 200_000 + '",2020-01-01,5\n', "line 2: .*never closed"),
        ("x" * 200_000 + "\n", "not a header"),
    ],
)
def test_files_that_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(LedgerFileError, match=reason):
        read(text)


def test_mappings_that_cannot_be_meant() -> None:
    with pytest.raises(LedgerFileError, match="unknown column custmer; known are: customer_id, customer_name"):
        LedgerFormat(mapping={"custmer": "x"})
    with pytest.raises(LedgerFileError, match=r"currency \(mapped to Cur\)"):
        read(HEADER, LedgerFormat(mapping={"currency": "Cur"}))
    with pytest.raises(LedgerFileError, match="without a name"):
        LedgerFormat(mapping={"currency": " "})


@pytest.mark.parametrize(
    ("currency", "rate"),
    [("USD", "2"), ("eu", "1"), ("EUR", "0"), ("EUR", "NaN"), ("EUR", "-1"), ("EUR", "1.123456789")],
)
def test_rates_that_cannot_be_meant(currency: str, rate: str) -> None:
    with pytest.raises(LedgerFileError):
        LedgerFormat(rates={currency: Decimal(rate)})


def test_other_currencies_need_a_rate_and_round_half_even() -> None:
    header = "customer_id,invoice_id,due_date,amount_open,currency\n"
    text = header + "A,1,2020-01-01,0.50,EUR\nA,2,2020-01-01,-1.50,eur\nA,3,2020-01-01,7,\n"
    bad = read(text)[0]
    assert isinstance(bad, BadRow)
    assert (bad.column, bad.value) == ("currency", "EUR")
    assert "--rate EUR=RATE" in bad.reason
    first, second, third = read(text, LedgerFormat(rates={"EUR": Decimal("1.01")}))
    assert isinstance(first, LedgerRow)
    assert isinstance(second, LedgerRow)
    assert isinstance(third, LedgerRow)
    assert [first.amount, second.amount, third.amount] == [Decimal("0.50"), Decimal("1.52"), Decimal(7)]
    assert (second.is_credit, second.source_amount, second.source_currency) == (True, Decimal("1.50"), "EUR")
    assert (third.source_currency, third.rate) == ("USD", 1)


def test_too_large_once_converted() -> None:
    text = "customer_id,invoice_id,due_date,amount_open,currency\nA,1,2020-01-01,9999999999999999,KWD\n"
    bad = only(text, LedgerFormat(rates={"KWD": Decimal("3.25")}))
    assert isinstance(bad, BadRow)
    assert "too large once converted" in bad.reason


@given(st.text(st.sampled_from('A1,;"\n\r\t|é\x00- '), max_size=200))
def test_any_text_ends_in_rows_or_one_clear_error(body: str) -> None:
    rows: list[LedgerRow | BadRow] = []
    with contextlib.suppress(LedgerFileError):
        rows = read(HEADER + body)
    assert all(isinstance(row, LedgerRow) or (row.line > 1 and row.reason) for row in rows)
