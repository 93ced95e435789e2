"""Bring a file of open receivables into the ledger: all of it or nothing, and the same file twice changes nothing."""

from db.receivables.ledger_import.report import ImportReport, Missing, RefusedRow
from db.receivables.ledger_import.run import all_customers_for_netsuite, import_ledger
from db.receivables.ledger_import.tally import Progress, Stage

__all__ = ["ImportReport", "Missing", "Progress", "RefusedRow", "Stage", "all_customers_for_netsuite", "import_ledger"]
