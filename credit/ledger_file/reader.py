"""The rows of a ledger file: which columns it has, what each row says, and which rows are refused."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from credit.ledger_file import values
from credit.ledger_file.values import CENT, LARGEST, RefusedValueError, printable

_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_ONE = Decimal(1)
_HEADER_LINES = 20
_DELIMITERS = ",;\t|"
_REMEMBERED = 16384
"""Different values of a column that repeats itself whose parse is kept, so that memory stays bounded."""


class LedgerFileError(ValueError):
    """The file as a whole cannot be read as asked: a missing column, no rows, a quote that never ends."""


class BadRow(NamedTuple):
    """A row that was refused."""

    line: int
    """The physical line on which the row starts; the header is on line 1."""
    column: str
    """The file's own name of the column; empty where the row's shape is at fault."""
    reason: str
    value: str
    """The value at fault, shortened, with control characters written out."""


class LedgerRow(NamedTuple):
    """One row, checked. Amounts are in the ledger's currency unless they say otherwise."""

    line: int
    customer_id: str
    customer_name: str | None
    invoice_id: str
    due_date: date | None
    """Null only for a credit."""
    is_credit: bool
    """An unapplied payment or credit note: the file's amount was below zero."""
    amount: Decimal
    """What is open or unapplied, never negative."""
    source_amount: Decimal
    """The same in `source_currency`, before conversion."""
    source_currency: str
    rate: Decimal
    disputed: bool | None
    """Null where the file has no such column; an empty cell says no."""
    credit_limit: Decimal | None
    limit_currency: str | None
    """Which one the file has the limit in; null without a limit."""
    netsuite_id: str | None
    sales_rep_email: str | None
    """In lower case."""
    customer_email: str | None
    organisation: str | None
    """Whose customer it is."""
    parent_id: str | None
    """The customer id of the parent account."""


def _remembered(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lru_cache(maxsize=_REMEMBERED)(parse)


def _absent(_: str) -> None:
    """Parse a column that the file does not have."""


REQUIRED = ("customer_id", "invoice_id", "due_date", "amount_open")
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "customer_id": _remembered(values.parse_id),
    "customer_name": _remembered(values.parse_name),
    "invoice_id": values.parse_id,
    "due_date": _remembered(values.parse_date),
    "amount_open": values.parse_amount,
    "currency": _remembered(values.parse_currency),
    "disputed": _remembered(values.parse_flag),
    "credit_limit": _remembered(values.parse_limit),
    "credit_limit_currency": _remembered(values.parse_currency),
    "netsuite_id": _remembered(values.parse_netsuite_id),
    "sales_rep_email": _remembered(values.parse_rep_email),
    "customer_email": _remembered(values.parse_email),
    "organisation": _remembered(values.parse_optional_id),
    "parent_id": _remembered(values.parse_optional_id),
}
CANONICAL = tuple(_PARSERS)
"""Every column the import knows, in the order in which a row is read."""


@dataclass(frozen=True)
class LedgerFormat:
    """How to read one file.

    Raises:
        LedgerFileError: a canonical column nobody knows, or a rate that is not one.
    """

    ledger_currency: str = "USD"
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Canonical column to the file's column; a canonical column that is not named goes by its own name."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Currency to what one unit of it is worth in the ledger's currency: above zero, eight decimals at most."""

    def __post_init__(self) -> None:
        unknown = [printable(name) for name in self.mapping if name not in CANONICAL]
        if unknown:
            raise LedgerFileError(f"unknown column {', '.join(unknown)}; known are: {', '.join(CANONICAL)}")
        nameless = [name for name, column in self.mapping.items() if not column.strip()]
        if nameless:
            raise LedgerFileError(f"{', '.join(nameless)} is mapped to a column without a name")
        for currency, rate in self.rates.items():
            if currency == self.ledger_currency or not re.fullmatch("[A-Z]{3}", currency):
                raise LedgerFileError(
                    f"no rate for {printable(currency)} can be given: name another currency than the ledger's "
                    f"{self.ledger_currency}, by three capital letters"
                )
            if not (rate.is_finite() and 0 < rate < Decimal(10) ** 10 and rate == round(rate, 8)):
                raise LedgerFileError(f"rate {rate} for {currency} must be above zero, with eight decimals at most")


class LedgerReader:
    """The rows of one file, in order: `LedgerRow` where a row is good, `BadRow` where it is refused.

    Blank lines, and rows of nothing but empty cells, are passed over. Memory is one row's.
    """

    def __init__(self, lines: Iterable[str], form: LedgerFormat) -> None:
        """Read the header.

        Args:
            lines: the file's lines with their ends, as `open(newline="")` gives them.
            form: how to read them.

        Raises:
            LedgerFileError: no header, or a needed column is not in it; says which columns there are.
        """
        self._form = form
        source = iter(lines)
        self._lines_before, header = _header_text(source)
        try:
            options = [next(csv.reader([header], delimiter=delimiter), []) for delimiter in _DELIMITERS]
        except csv.Error as error:
            raise LedgerFileError(f"the first line is not a header with column names: {error}") from None
        names = [[name.strip() for name in option] for option in options]
        chosen = max(range(len(names)), key=lambda index: (self._found(names[index]), len(names[index]), -index))
        self.columns = names[chosen]
        self._plan = self._resolve()
        self.column_of = {name: self.columns[index] for name, index, _ in self._plan}
        """Canonical column to the file's own name of it, for those the file has."""
        found = {name: (index, parse) for name, index, parse in self._plan}
        self._cells = tuple(found.get(name, (0, _absent)) for name in CANONICAL)
        self._records = csv.reader(source, delimiter=_DELIMITERS[chosen], strict=True)

    def _found(self, names: list[str]) -> int:
        return sum(_position(names, self._form.mapping.get(name, name)) is not None for name in REQUIRED)

    def _resolve(self) -> list[tuple[str, int, Callable[[str], Any]]]:
        has = f"the file has: {', '.join(printable(name) for name in self.columns)}"
        plan, missing = [], []
        for name in CANONICAL:
            wanted = self._form.mapping.get(name, name)
            position = _position(self.columns, wanted)
            if position is not None:
                if self.columns.count(wanted) > 1:
                    raise LedgerFileError(f"the file has more than one column {wanted}: rename one of them")
                plan.append((name, position, _PARSERS[name]))
            elif name in REQUIRED or name in self._form.mapping:
                missing.append(name if wanted == name else f"{name} (mapped to {wanted})")
        if missing:
            raise LedgerFileError(f"no column for {', '.join(missing)}; {has}. Name it with --map canonical=column")
        return plan

    def __iter__(self) -> Iterator[LedgerRow | BadRow]:
        """Yield each row.

        Raises:
            LedgerFileError: a quoted field that never ends, so that nothing after it can be told apart; no rows.
        """
        empty = True
        while True:
            line = self._lines_before + self._records.line_num + 1
            try:
                cells = next(self._records)
            except StopIteration:
                if empty:
                    raise LedgerFileError("the file has a header and no rows") from None
                return
            except csv.Error as error:
                if "end of data" in str(error) or "field limit" in str(error):
                    raise LedgerFileError(f'line {line}: a field opens with a quote (") that is never closed') from None
                empty = False
                yield BadRow(line, "", self._spanning(line, "text after a closing quote, or a stray line end"), "")
                continue
            if not any(map(str.strip, cells)):
                continue
            empty = False
            yield self._row(line, cells)

    def _spanning(self, line: int, reason: str) -> str:
        last = self._lines_before + self._records.line_num
        return reason if last <= line else f"{reason} (the row runs from line {line} to {last}: a quote too many?)"

    def _row(self, line: int, cells: list[str]) -> LedgerRow | BadRow:
        if len(cells) != len(self.columns):
            reason = f"has {len(cells)} fields where the header has {len(self.columns)}"
            return BadRow(line, "", self._spanning(line, reason), "")
        try:
            (
                customer_id,
                customer_name,
                invoice_id,
                due_date,
                source_amount,
                currency,
                disputed,
                source_limit,
                limit_currency,
                netsuite_id,
                sales_rep_email,
                customer_email,
                organisation,
                parent_id,
            ) = [parse(cells[index]) for index, parse in self._cells]
        except RefusedValueError:
            return self._refused(line, cells)
        if due_date is None and source_amount >= 0:
            return BadRow(line, self.column_of["due_date"], "empty: only a credit needs no due date", "")
        if netsuite_id is None and values.is_external_reference(customer_id):
            reason = f"serves as NetSuite id too, and there {values.EXTERNAL} makes it another record's external id"
            return BadRow(line, self.column_of["customer_id"], reason, printable(customer_id))
        currency = currency or self._form.ledger_currency
        converted = self._converted(line, "currency", source_amount, currency)
        if isinstance(converted, BadRow):
            return converted
        credit_limit, limit_currency = source_limit, None if source_limit is None else limit_currency or currency
        if limit_currency is not None:  # of the row's own currency there is a rate
            limit = self._converted(line, "credit_limit_currency", source_limit, limit_currency, amount="credit_limit")
            if isinstance(limit, BadRow):
                return limit
            credit_limit = limit[0]
        return LedgerRow(
            line,
            customer_id,
            customer_name,
            invoice_id,
            due_date,
            source_amount < 0,
            *converted,
            disputed,
            credit_limit,
            limit_currency,
            netsuite_id,
            sales_rep_email,
            customer_email,
            organisation,
            parent_id,
        )

    def _refused(self, line: int, cells: list[str]) -> BadRow:
        """Name the first cell of a refused row that is at fault."""
        for _, index, parse in self._plan:
            try:
                parse(cells[index])
            except RefusedValueError as refused:
                return BadRow(line, self.columns[index], str(refused), printable(cells[index]))
        raise AssertionError("a row was refused whose every cell is good")

    def _converted(
        self, line: int, column: str, source: Decimal, currency: str, *, amount: str = "amount_open"
    ) -> tuple[Decimal, Decimal, str, Decimal] | BadRow:
        """Return a row's `amount`, `source_amount`, `source_currency` and `rate`; `column` says the currency."""
        size = abs(source)
        if currency == self._form.ledger_currency:
            return size, size, currency, _ONE
        rate = self._form.rates.get(currency)
        if rate is None:
            reason = f"not the ledger's {self._form.ledger_currency}: give its rate with --rate {currency}=RATE"
            return BadRow(line, self.column_of[column], reason, currency)
        converted = _WIDE.multiply(size, rate).quantize(CENT, context=_WIDE)
        if converted >= LARGEST:
            reason = f"too large once converted: amounts stay below {LARGEST:,}"
            return BadRow(line, self.column_of[amount], reason, str(source))
        return converted, size, currency, rate


def _position(names: list[str], wanted: str) -> int | None:
    """Find a column by its name, else by its name without regard to case."""
    if wanted in names:
        return names.index(wanted)
    folded = [name.casefold() for name in names]
    return folded.index(wanted.casefold()) if folded.count(wanted.casefold()) == 1 else None


def _header_text(source: Iterator[str]) -> tuple[int, str]:
    """Take the header off `source`: how many lines it and the blank ones before it are, and its text."""
    text = ""
    for count, line in enumerate(source, 1):
        text += line.lstrip("\ufeff") if count == 1 else line
        text = text if text.strip() else ""
        if text and text.count('"') % 2 == 0:
            return count, text
        if count == _HEADER_LINES:
            break
    if text.strip():
        raise LedgerFileError('the header has a quote (") that is never closed')
    raise LedgerFileError("the file is empty: a header with column names and at least one row are needed")
