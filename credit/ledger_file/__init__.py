"""A file of open receivables, read row by row: what its columns may hold, and why a row is refused. No I/O.

Meant for exports as they come out of accounting systems: any of four delimiters, timestamps for dates, document
numbers written as floats, thousands separators, credits in parentheses. What could mean two things is refused.
"""

from credit.ledger_file.reader import (
    CANONICAL,
    REQUIRED,
    BadRow,
    LedgerFileError,
    LedgerFormat,
    LedgerReader,
    LedgerRow,
)

__all__ = ["CANONICAL", "REQUIRED", "BadRow", "LedgerFileError", "LedgerFormat", "LedgerReader", "LedgerRow"]
