"""What holds for any file: nothing is misread, and whatever is refused is refused with its place and a reason."""

import contextlib
import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from credit.ledger_file import CANONICAL, BadRow, LedgerFileError, LedgerFormat, LedgerReader, LedgerRow
from credit.ledger_file.values import parse_amount
from db.receivables.ledger_import.source import LedgerSource

FORM = LedgerFormat(rates={"EUR": Decimal("1.1")})
GOOD = {
    "customer_id": "A", "customer_name": "Acme", "invoice_id": "1", "due_date": "2020-01-01", "amount_open": "5",
    "currency": "USD", "disputed": "no", "credit_limit": "7", "netsuite_id": "9",
    "credit_limit_currency": "USD", "sales_rep_email": "a@b.c", "customer_email": "a@b.c",
}  # fmt: skip
FIELD = {"amount_open": "source_amount", "currency": "source_currency", "credit_limit_currency": "limit_currency"}
LIMIT = {"credit_limit", "credit_limit_currency"}
"""What one says of the other."""

cells = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]) | st.sampled_from(" \t\n\"',;|"), max_size=40),
    st.from_regex(r"[-+(]?[0-9.,]{1,20}[-)]?", fullmatch=True),
    st.from_regex(r"(19|20|21)[0-9]{2}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9])?", fullmatch=True),
    st.sampled_from(
        ["eur", "USD", "KWD", "true", "N/A", "eid:7", "EID:x", "a.b@c.d", "12.0", "1.5E+3", "\u200b", "\x00"]
    ),
)


def read_one(values: dict[str, str]) -> LedgerRow | BadRow:
    file = io.StringIO(newline="")
    rows = csv.writer(file)
    rows.writerow(values)
    rows.writerow(values.values())
    file.seek(0)
    (row,) = LedgerReader(file, FORM)
    return row


def written(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("column", CANONICAL)
@settings(max_examples=60)
@given(cells)
@example("")
@example("eid:7")
def test_a_cell_is_read_back_as_it_was_understood_or_refused_in_its_place(column: str, cell: str) -> None:
    row = read_one(GOOD | {column: cell})
    if isinstance(row, BadRow):
        assert (row.line, row.column) == (2, column)
        assert row.reason
        assert row.value.isprintable()
        return
    understood = getattr(row, FIELD.get(column, column))
    if column == "amount_open" and row.is_credit:
        understood = -understood
    assert read_one(GOOD | {column: written(understood)}) == row
    if isinstance(understood, str) and column.endswith("_id"):
        assert cell.strip() == understood or float(cell) == int(understood)
    told = {column, "currency", *(LIMIT if column in LIMIT else ())}
    others = {name: getattr(row, FIELD.get(name, name)) for name in CANONICAL if name not in told}
    plain = read_one(GOOD)
    if column != "amount_open":
        assert others == {name: getattr(plain, FIELD.get(name, name)) for name in others}


@given(
    st.integers(0, 10**18 - 1),
    st.sampled_from([("{:.2f}", ""), ("{:,.2f}", ""), ("{:,.2f}", " ")]),
    st.sampled_from(["{}", "+{}", "-{}", "{}-", "({})"]),
    st.sampled_from(["full", "short", "long"]),
)
@example(5, ("{:.2f}", ""), "({})", "short")
def test_an_amount_says_the_same_in_every_accepted_style(
    number: int, form: tuple[str, str], sign: str, cents: str
) -> None:
    amount = Decimal(number).scaleb(-2)
    text, space = form[0].format(amount), form[1]
    text = text.rstrip("0").rstrip(".") if cents == "short" else text + "000" if cents == "long" else text
    parsed = parse_amount(space + sign.format(text or "0") + space)
    assert parsed == (amount if sign in ("{}", "+{}") else -amount)
    assert parsed.as_tuple().exponent == -2


bodies = st.binary(max_size=120) | st.text(st.sampled_from('A1,;"\n\r\t|é€\x00- .0'), max_size=80).flatmap(
    lambda text: st.sampled_from(
        [text.encode(), text.encode("cp1252"), text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()]
    )
)


@given(st.sampled_from([b"", b"customer_id,invoice_id,due_date,amount_open\n", b"\xef\xbb\xbf"]), bodies)
@example(b"customer_id,invoice_id,due_date,amount_open\n", b'A,"' + b"x" * 200_000)
@example(b"", b"\r" * 30)
def test_bytes_of_any_kind_end_in_rows_or_in_one_kind_of_error(header: bytes, body: bytes) -> None:
    with contextlib.suppress(LedgerFileError):
        source = LedgerSource(io.BufferedReader(io.BytesIO(header + body)))  # type: ignore[arg-type]
        with contextlib.closing(source.lines()) as lines:
            for row in LedgerReader(lines, LedgerFormat()):
                assert isinstance(row, LedgerRow) or (row.line > 1 and row.reason)


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y%m%d.0"]))
def test_a_day_says_the_same_in_every_accepted_style(day: date, style: str) -> None:
    row = read_one(GOOD | {"due_date": day.strftime(style)})
    assert isinstance(row, LedgerRow)
    assert row.due_date == day
