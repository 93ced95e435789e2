"""What one cell of a ledger file may hold, and why it is refused. What could mean two things is refused."""

import re
from datetime import date
from decimal import Decimal

from credit.mail_text import ENCODED_WORD
from credit.plain_text import NotPlainTextError, plain_line

LONGEST_TEXT = 200
"""Characters an id or a name may have."""
LARGEST = Decimal(10) ** 16
"""Amounts stay below this: the ledger holds 18 digits, two of them cents."""

EXTERNAL = "eid:"
"""Before an id, it makes NetSuite's REST API take it for an external id: no internal id starts so."""

CENT = Decimal("0.01")
_EXACT_FLOAT = 2**53
_LONGEST_NUMBER = 60
_SHOWN = 80
_YEARS = range(1990, 2101)
_NO_VALUE = frozenset({"nan", "nat", "null", "none", "n/a", "#n/a"})

_FLOAT_ID = re.compile(r"([1-9][0-9]*|0)\.0+")
_EXPONENT_ID = re.compile(r"[0-9](\.[0-9]+[eE][+-]?|[eE]\+)[0-9]+")
_PLAIN_AMOUNT = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?")
_AMOUNT = re.compile(r"(?P<whole>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.(?P<cents>[0-9]*))?")
_EXPONENT = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+")
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|/([0-9]{2})/([0-9]{2}))"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)? ?(?:Z|UTC|[-+][0-9]{2}:?[0-9]{2})?)?"
)
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:\.0+)?")
_DAY_OR_MONTH_FIRST = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}.*")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_TRUE = frozenset({"true", "yes", "1", "1.0"})
_FALSE = frozenset({"false", "no", "0", "0.0", ""})


class RefusedValueError(ValueError):
    """One value cannot be taken; the text is the reason."""


def printable(value: str) -> str:
    """Return `value` fit for a terminal: at most 80 characters, control characters written out."""
    shown = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown)


def _invisible(char: str) -> RefusedValueError:
    return RefusedValueError(f"contains an invisible or control character (U+{ord(char):04X})")


def parse_id(value: str) -> str:
    """Return an id as text: spaces around it gone, `2960623488.0` as `2960623488`, leading zeros of text kept.

    Raises:
        RefusedValueError: empty, too long, invisible characters, or digits lost to a spreadsheet's number format.
    """
    text = value.strip()
    if not text or text.lower() in _NO_VALUE:
        raise RefusedValueError("empty: an id is needed")
    if len(text) > LONGEST_TEXT:
        raise RefusedValueError(f"longer than {LONGEST_TEXT} characters")
    if not text.isprintable():
        raise _invisible(next(char for char in text if not char.isprintable()))
    if "." in text and _FLOAT_ID.fullmatch(text):
        text = text[: text.index(".")]
        if int(text) > _EXACT_FLOAT:
            raise RefusedValueError("too long a number to be exact as a float: export the column as text")
    elif ("+" in text or "." in text) and _EXPONENT_ID.fullmatch(text):
        raise RefusedValueError("exponent form, so digits are lost: export the column as text")
    return text


def parse_name(value: str) -> str | None:
    """Return a name with its white space collapsed; None for an empty one."""
    text = " ".join(value.split())
    if len(text) > LONGEST_TEXT:
        raise RefusedValueError(f"longer than {LONGEST_TEXT} characters")
    try:
        return plain_line(text) or None
    except NotPlainTextError as error:
        raise RefusedValueError(str(error)) from None


def parse_amount(value: str) -> Decimal:
    """Return an amount with two decimals. `1,234.50`, `(123.45)` and `123.45-` are understood.

    Raises:
        RefusedValueError: not a number, an exponent, a decimal comma, more than two decimals, or too large.
    """
    text = value.strip()
    if _PLAIN_AMOUNT.fullmatch(text):
        return (Decimal(text) + 0).quantize(CENT)
    negative = text[:1] == "-" or text[-1:] == "-" or (text[:1] == "(" and text[-1:] == ")")
    digits = text[1:] if text[:1] in ("-", "+") else text[:-1] if text[-1:] == "-" else text
    digits = digits[1:-1] if text[:1] == "(" and text[-1:] == ")" else digits
    found = _AMOUNT.fullmatch(digits) if len(text) <= _LONGEST_NUMBER else None
    if found is None or not (found["whole"] or found["cents"]):
        raise RefusedValueError(_why_no_amount(text))
    cents = found["cents"] or ""
    if len(cents.rstrip("0")) > 2:  # noqa: PLR2004 (cents)
        raise RefusedValueError("more than two decimals: round it where it comes from")
    whole = Decimal((found["whole"] or "0").replace(",", ""))
    if whole >= LARGEST:
        raise RefusedValueError(f"too large: amounts stay below {LARGEST:,}")
    amount = whole + Decimal("0." + cents[:2].ljust(2, "0"))
    return -amount if negative and amount else amount


def _why_no_amount(text: str) -> str:
    if not text:
        return "empty: an amount is needed"
    if len(text) > _LONGEST_NUMBER:
        return "too long for an amount"
    if text.strip("+-").lower() in {*_NO_VALUE, "inf", "infinity"}:
        return "not a number"
    if _EXPONENT.fullmatch(text):
        return "exponent form, so digits may be lost: write the amount out"
    return "not an amount: write it like 1234.50 or 1,234.50, with a decimal point and without a currency sign"


def parse_limit(value: str) -> Decimal | None:
    """Return a credit limit; None for an empty cell."""
    if not value.strip():
        return None
    limit = parse_amount(value)
    if limit < 0:
        raise RefusedValueError("a credit limit cannot be negative")
    return limit


def parse_date(value: str) -> date | None:
    """Return the day as written; None for an empty cell. A time and its zone are cut off, not converted.

    Raises:
        RefusedValueError: not a day, outside 1990 to 2100, or a form in which day and month could be swapped.
    """
    text = value.strip()
    if not text:
        return None
    found = _DATE.fullmatch(text) or _COMPACT_DATE.fullmatch(text)
    if found is None:
        if _DAY_OR_MONTH_FIRST.fullmatch(text):
            raise RefusedValueError("ambiguous: day or month first? Write dates like 2020-04-03")
        raise RefusedValueError("not a date: write it like 2020-04-03")
    year, month, day = (int(part) for part in found.groups() if part is not None)
    if year not in _YEARS:
        raise RefusedValueError("outside the years 1990 to 2100")
    try:
        return date(year, month, day)
    except ValueError:
        raise RefusedValueError("no such day") from None


def parse_currency(value: str) -> str | None:
    """Return an ISO 4217 code in capitals; None for an empty cell."""
    text = value.strip().upper()
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):  # noqa: PLR2004 (ISO 4217)
        raise RefusedValueError("not a currency: three letters such as USD")
    return text or None


def parse_flag(value: str) -> bool:
    """Return what true, false, yes, no, 1, 0 or an empty cell (no) says."""
    text = value.strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise RefusedValueError("neither yes nor no: write true, false, yes, no, 1, 0 or nothing")


def parse_email(value: str) -> str | None:
    """Return an e-mail address; None for an empty cell."""
    text = value.strip()
    if text and (len(text) > 254 or not _EMAIL.fullmatch(text) or ENCODED_WORD in text):  # noqa: PLR2004 (RFC 5321)
        raise RefusedValueError("not an e-mail address")
    return text or None


def parse_optional_id(value: str) -> str | None:
    """Return an id as `parse_id` does; None for an empty cell."""
    return parse_id(value) if value.strip() else None


def is_external_reference(netsuite_id: str) -> bool:
    """Say whether NetSuite would look for another record's external id where it is given this as an internal one."""
    return netsuite_id[: len(EXTERNAL)].lower() == EXTERNAL


def parse_netsuite_id(value: str) -> str | None:
    """Return an internal id as `parse_id` does; None for an empty cell.

    Raises:
        RefusedValueError: as `parse_id`, or the id starts with `eid:`, which marks an external one.
    """
    text = parse_optional_id(value)
    if text is not None and is_external_reference(text):
        raise RefusedValueError(f"an internal id is needed, and {EXTERNAL} before one makes it an external id")
    return text


def parse_rep_email(value: str) -> str | None:
    """Return an e-mail address in lower case, as sales reps are found by it; None for an empty cell."""
    found = parse_email(value)
    return found.lower() if found else None
