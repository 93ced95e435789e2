"""What is answered about a pull of the ledger out of NetSuite."""

from typing import Any

from pydantic import ConfigDict

from db.receivables.ledger_import import ImportReport

_REPORT: dict[str, Any] = {
    "customers_inserted": 1,
    "invoices_inserted": 2,
    "amount_closed": "0.00",
    "file_name": "netsuite-2027-03-01.csv",
    "sha256": "0" * 64,
    "encoding": "utf-8",
    "rows": 2,
    "customers": 1,
    "several_spellings": 0,
    "bad_rows": 0,
    "bad": [],
    "missing": {"invoices": 0, "credits": 0, "amount": "0.00", "open_items": 0, "open_amount": "0.00"},
    "imported": True,
    "refusal": None,
    "import_id": "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11",
    "seconds": 0.2,
}


class PulledLedger(ImportReport):
    """What a pull came to: the report of a full import of NetSuite's open items. Amounts are strings."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPORT]})
