"""A file of many proposals: its lines, and what becomes of each."""

import csv
import hashlib
import io
from dataclasses import dataclass
from enum import StrEnum

from credit.plain_text import NotPlainTextError, plain

_COLUMNS = ("customer_id", "reason")


class BulkFileError(ValueError):
    """The file cannot be taken; the text names each line that is wrong. Nothing was done."""


class Outcome(StrEnum):
    """What became of a line; in a preview, what would."""

    CREATED = "created"
    EVIDENCE_ADDED = "evidence_added"
    """Something is proposed already: the reason was added to it."""
    ALREADY_DONE = "already_done"
    """This line of this very file was carried out before."""
    REFUSED = "refused"
    FAILED = "failed"
    """A service was away. The lines after it were not tried; the same file may be given again."""
    NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Line:
    """One line of the file."""

    line: int
    """Counted from 1 with the header."""
    customer_id: str
    reason: str


@dataclass(frozen=True)
class BulkFile:
    """A file as it was read."""

    name: str
    """From its content: the same file has the same name on every try, another one another."""
    lines: list[Line]


def read(content: bytes) -> BulkFile:
    """Read a CSV file with the columns `customer_id` and `reason`; others are ignored.

    Raises:
        BulkFileError: it is no such file, or has a line without a customer or a reason, or with a refused character.
    """
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise BulkFileError(f"no column {' and no column '.join(missing)}: the first line must name both")
        lines, bad = [], []
        for row in rows:
            customer_id, reason = ((row[column] or "").strip() for column in _COLUMNS)
            if not (customer_id and reason):
                bad.append(rows.line_num)
            reason = _plain(reason, rows.line_num, "reason")
            lines.append(Line(rows.line_num, _plain(customer_id, rows.line_num, "customer_id"), reason))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BulkFileError(f"not a CSV file in UTF-8: {error}") from None
    if bad:
        raise BulkFileError(f"no customer_id or no reason in line {', '.join(map(str, bad))}")
    if not lines:
        raise BulkFileError("no line after the header")
    return BulkFile(hashlib.sha256(content).hexdigest()[:32], lines)


def _plain(text: str, line: int, column: str) -> str:
    try:
        return plain(text)
    except NotPlainTextError as error:
        raise BulkFileError(f"line {line}, {column}: {error}") from None
