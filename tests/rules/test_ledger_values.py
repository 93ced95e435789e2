"""One cell at a time: what is understood, what is refused."""

from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from credit.ledger_file import values
from credit.ledger_file.values import RefusedValueError

cents = st.integers(0, 10**18 - 1).map(lambda number: Decimal(number).scaleb(-2))


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("(0)", "0"),
        ("3299.7", "3299.70"),
        ("121105.65", "121105.65"),
        ("  12.00 ", "12"),
        ("1,234.50", "1234.50"),
        ("12,345,678", "12345678"),
        ("(123.45)", "-123.45"),
        ("(1,123.45)", "-1123.45"),
        ("123.45-", "-123.45"),
        ("-1,000.00", "-1000"),
        ("+5", "5"),
        (".5", "0.50"),
        ("5.", "5"),
        ("1.2300000", "1.23"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_amounts_understood(written: str, amount: str) -> None:
    parsed = values.parse_amount(written)
    assert parsed == Decimal(amount)
    assert not (parsed.is_zero() and parsed.is_signed())


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        ("abc", "not an amount"),
        ("NaN", "not a number"),
        ("-Infinity", "not a number"),
        ("1e5", "exponent"),
        ("1.5E+3", "exponent"),
        ("1.234", "more than two decimals"),
        ("1234,50", "decimal point"),
        ("1.234,50", "decimal point"),
        ("12,34", "decimal point"),
        ("$5", "currency sign"),
        ("1 234", "not an amount"),
        ("--5", "not an amount"),
        ("-5-", "not an amount"),
        ("(-5)", "not an amount"),
        ("()", "not an amount"),
        ("-", "not an amount"),
        ("0x10", "not an amount"),
        ("１２", "not an amount"),
        ("1_000", "not an amount"),
        ("10000000000000000", "too large"),
        ("9" * 61, "too long"),
        ("1\x002", "not an amount"),
    ],
)
def test_amounts_refused(written: str, reason: str) -> None:
    with pytest.raises(RefusedValueError, match=reason):
        values.parse_amount(written)


@given(cents, st.sampled_from(["{:.2f}", "{:,.2f}", "{:,.2f}00", " {:.2f} "]))
def test_every_amount_the_ledger_holds_survives_writing(amount: Decimal, form: str) -> None:
    written = form.format(amount)
    assert values.parse_amount(written) == amount
    assert values.parse_amount(f"({written.strip()})") == -amount
    assert values.parse_amount(f"{written.strip()}-") == -amount


@given(st.text(max_size=30) | st.from_regex(r"[-+(]?[0-9.,eE]{1,25}[-)]?", fullmatch=True))
@example("1,23")
def test_an_amount_is_refused_or_fits_the_ledger(written: str) -> None:
    try:
        amount = values.parse_amount(written)
    except RefusedValueError:
        return
    assert amount.is_finite()
    assert abs(amount) < 10**16
    assert amount == round(amount, 2)
    digits = [char for char in written if char.isdigit()]
    assert str(abs(amount)).replace(".", "").strip("0") == "".join(digits).strip("0")


@pytest.mark.parametrize(
    "written",
    [
        "2020-04-10",
        " 2020-04-10 ",
        "2020-04-10 00:00:00.000000000",
        "2020-04-10T23:59:59Z",
        "2020-04-10T23:59:59.5+02:00",
        "2020-04-10 00:30",
        "2020/04/10",
        "20200410",
        "20200410.0",
    ],
)
def test_dates_understood_as_written(written: str) -> None:
    assert values.parse_date(written) == date(2020, 4, 10)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("03/04/2020", "ambiguous"),
        ("3.4.20", "ambiguous"),
        ("13-04-2020", "ambiguous"),
        ("2020-02-30", "no such day"),
        ("2020-13-01", "no such day"),
        ("1989-12-31", "1990 to 2100"),
        ("2101-01-01", "1990 to 2100"),
        ("43931", "not a date"),
        ("2020-W15-5", "not a date"),
        ("2020-04-10 25:00:00", "not a date"),
        ("10 Apr 2020", "not a date"),
        ("2020-04-1", "not a date"),
        ("２０２０-04-10", "not a date"),
    ],
)
def test_dates_refused(written: str, reason: str) -> None:
    with pytest.raises(RefusedValueError, match=reason):
        values.parse_date(written)


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), st.times())
def test_every_timestamp_gives_its_day(day: date, time: time) -> None:
    assert values.parse_date(day.isoformat()) == day
    assert values.parse_date(f"{day} {time.isoformat()}") == day


@pytest.mark.parametrize(
    ("written", "parsed"),
    [
        ("2960623488.0", "2960623488"),
        ("2960623488.000", "2960623488"),
        ("0140105686", "0140105686"),
        ("0140105686.0", "0140105686.0"),
        ("0.0", "0"),
        (" A-1 ", "A-1"),
        ("12.5", "12.5"),
        ("1E5", "1E5"),
        ("v1.0", "v1.0"),
        ("Müller 4/7", "Müller 4/7"),
        ("9007199254740992.0", "9007199254740992"),
    ],
)
def test_ids_understood(written: str, parsed: str) -> None:
    assert values.parse_id(written) == parsed


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("NaN", "empty"),
        ("x" * 201, "longer than 200"),
        ("a\x00b", "U\\+0000"),
        ("a\nb", "U\\+000A"),
        ("a\u200bb", "U\\+200B"),
        ("\u202eab", "U\\+202E"),
        ("2.96062E+09", "exponent"),
        ("9007199254740993.0", "too long a number"),
    ],
)
def test_ids_refused(written: str, reason: str) -> None:
    with pytest.raises(RefusedValueError, match=reason):
        values.parse_id(written)


@given(st.text(max_size=220))
def test_an_id_is_refused_or_stays_the_same_when_read_again(written: str) -> None:
    try:
        parsed = values.parse_id(written)
    except RefusedValueError:
        return
    assert 0 < len(parsed) <= 200
    assert parsed.isprintable()
    assert values.parse_id(parsed) == parsed


def test_names() -> None:
    assert values.parse_name("  SYSC \n llc ") == "SYSC llc"
    assert values.parse_name(" ") is None
    for bad in ("a\x07b", "n" * 201):
        with pytest.raises(RefusedValueError):
            values.parse_name(bad)


def test_the_other_values() -> None:
    assert [values.parse_flag(word) for word in ("TRUE", "yes", "1", " False", "no", "0", "")] == [True] * 3 + [
        False
    ] * 4
    assert values.parse_currency(" eur ") == "EUR"
    assert values.parse_currency("") is None
    assert values.parse_rep_email(" Ann@Example.com") == "ann@example.com"
    assert values.parse_email("Ann@Example.com") == "Ann@Example.com"
    assert values.parse_limit("") is None
    assert values.parse_limit("10,000") == 10000
    assert values.parse_netsuite_id("  ") is None
    for parse, bad in (
        (values.parse_flag, "maybe"),
        (values.parse_currency, "EURO"),
        (values.parse_currency, "€€€"),
        (values.parse_email, "ann"),
        (values.parse_email, "a@b.c\r\nBcc: x@y.z"),
        (values.parse_email, "a@b, c@d"),
        (values.parse_email, "=?utf-8?q?a=0d=0a?=@example.test"),
        (values.parse_rep_email, "a=?utf-8?q?b?=@example.test"),
        (values.parse_limit, "-1"),
    ):
        with pytest.raises(RefusedValueError):
            parse(bad)


@given(st.text(max_size=300))
def test_a_shown_value_is_fit_for_a_terminal(value: str) -> None:
    assert values.printable(value).isprintable()
