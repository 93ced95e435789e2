"""What an import did, or why it did nothing."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

LISTED = 1000
"""Refused rows that a report lists; all are counted."""


class RefusedRow(BaseModel):
    """A row that was refused. `line` is the physical line it starts on, `column` the file's own name of the column."""

    line: int
    column: str
    reason: str
    value: str


class Counts(BaseModel):
    """What an import changed, in rows of each table."""

    customers_inserted: int = 0
    customers_updated: int = 0
    sales_reps_inserted: int = 0
    credit_limits_changed: int = 0
    invoices_inserted: int = 0
    invoices_updated: int = 0
    invoices_unchanged: int = 0
    credits_inserted: int = 0
    credits_updated: int = 0
    credits_unchanged: int = 0
    moved: int = 0
    """Invoices that became credits, and credits that became invoices: their amount changed its sign."""
    disputes_opened: int = 0
    disputes_closed: int = 0
    invoices_closed: int = 0
    """Invoices closed because a full file leaves them out."""
    credits_closed: int = 0
    amount_closed: Decimal = Decimal("0.00")
    """What was open on those invoices plus what was unapplied of those credits, in the ledger's currency."""
    limits_crossed: int = 0
    """Customers whose credit limit went from acceptable to exceeded, or back …"""
    credit_holds_applied: int = 0
    """… who are on credit hold for it …"""
    credit_holds_lifted: int = 0
    """… or whose block was lifted by itself."""

    @property
    def changed(self) -> bool:
        """Whether anything in the ledger is other than before."""
        return any(getattr(self, name) for name in Counts.model_fields if not name.endswith("_unchanged"))


class Missing(BaseModel):
    """What a full file leaves out of the ledger as it was before. Amounts are gross: a credit adds its own."""

    invoices: int
    """Open invoices without a row in the file …"""
    credits: int
    """… and unapplied credits."""
    amount: Decimal
    """Of both, in the ledger's currency."""
    open_items: int
    """Open invoices and unapplied credits of the whole ledger …"""
    open_amount: Decimal
    """… and their amount."""

    @property
    def items(self) -> int:
        return self.invoices + self.credits


class ImportReport(Counts):
    """What an import came to: what it read, what it changed, and why it was refused where it was."""

    file_name: str
    sha256: str
    encoding: str
    rows: int
    """Rows in the file, good and bad; blank lines are none."""
    customers: int
    """Customers named in the good rows."""
    several_spellings: int
    """Customers whose name the good rows spell in more than one way; the most frequent spelling was taken."""
    bad_rows: int
    bad: list[RefusedRow]
    """The first of them (1,000 at most), by line."""
    missing: Missing | None
    """What the file leaves out; null for one that is not the whole ledger, or has bad rows."""
    imported: bool
    """Whether the good rows are in the ledger now: false for a file that was refused."""
    refusal: str | None
    """Why a file without bad rows was refused: it would close too much."""
    import_id: UUID | None
    """The row in `imports`; null where nothing changed."""
    seconds: float
    """How long it took, to the millisecond."""

    @property
    def rows_per_second(self) -> float:
        """The rate of the whole import: reading, checking and merging."""
        return self.rows / max(self.seconds, 0.001)
