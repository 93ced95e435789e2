"""What an import has seen so far, and how far it has come."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from credit.ledger_file import BadRow
from credit.policy import Policy
from db.receivables.ledger_import.missing import refusal
from db.receivables.ledger_import.report import LISTED, Missing
from db.receivables.ledger_import.source import LedgerSource

_PROGRESS_EVERY = 1000


class Stage(StrEnum):
    """What an import is at. Only reading has a known end; in a million rows it takes about a third of the time."""

    READING = "reading"
    CHECKING = "checking"
    MERGING = "merging"


class Progress(NamedTuple):
    stage: Stage
    rows: int
    """Rows read, good and bad."""
    bytes_read: int
    bytes_in_all: int


class Tally:
    """Counts the rows of a file, keeps the first bad ones, and tells whoever wants to know."""

    def __init__(
        self,
        size: int,
        *,
        progress: Callable[[Progress], None] | None = None,
        on_bad_row: Callable[[BadRow], None] | None = None,
    ) -> None:
        """Start at nothing.

        Args:
            size: of the file, in bytes.
            progress: called every 1,000 rows and at the start of each stage.
            on_bad_row: called with every bad row.
        """
        self.rows = 0
        self.bad_rows = 0
        self.listed: list[BadRow] = []
        """The first bad rows, 1,000 at most, as they were found."""
        self.missing: Missing | None = None
        """What a full file leaves out."""
        self.refusal: str | None = None
        """Why a file without bad rows is not taken all the same."""
        self._size = size
        self._progress = progress
        self._on_bad_row = on_bad_row

    def read(self, source: LedgerSource) -> None:
        self.rows += 1
        if self._progress and self.rows % _PROGRESS_EVERY == 0:
            self._progress(Progress(Stage.READING, self.rows, source.position, self._size))

    def begin(self, stage: Stage) -> None:
        if self._progress:
            read = 0 if stage is Stage.READING else self._size
            self._progress(Progress(stage, self.rows, read, self._size))

    def refuse(self, row: BadRow) -> None:
        self.bad_rows += 1
        if len(self.listed) < LISTED:
            self.listed.append(row)
        if self._on_bad_row:
            self._on_bad_row(row)

    def weigh(self, missing: Missing, policy: Policy, close_missing: int | None) -> None:
        """Keep what a full file leaves out, and why that is too much, if it is."""
        self.missing = missing
        self.refusal = refusal(
            missing, most=policy.full_import_max_closed, told=close_missing, currency=policy.ledger_currency
        )

    def takes(self, *, skip_bad: bool) -> bool:
        """Whether the file is to be taken: without a bad row, or with a good one where bad ones may be skipped."""
        return self.refusal is None and (self.bad_rows == 0 or (skip_bad and self.bad_rows < self.rows))
