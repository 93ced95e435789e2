"""Bring a file of open receivables into the ledger: all of it or nothing, and the same file twice changes nothing."""

from db.ledger_import.report import ImportReport, RefusedRow
from db.ledger_import.run import all_customers_for_netsuite, import_ledger

__all__ = ["ImportReport", "RefusedRow", "all_customers_for_netsuite", "import_ledger"]
