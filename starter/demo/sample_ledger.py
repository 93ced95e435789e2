"""A small ledger to try things on: invented companies, due dates counted back from a day."""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

COLUMNS = (
    "customer_id",
    "customer_name",
    "customer_email",
    "sales_rep_email",
    "invoice_id",
    "due_date",
    "amount_open",
    "disputed",
)


@dataclass(frozen=True)
class _Account:
    id: str
    name: str
    rep: str
    open_items: tuple[tuple[int, str], ...]
    """(days overdue, amount): a negative day is not due yet, a negative amount an unapplied credit."""
    disputed: bool = False


_ACCOUNTS = (
    _Account("1001", "Northwind Timber Ltd", "dana", ((132, "18400.00"), (98, "14250.50"), (20, "6100.00"))),
    _Account("1002", "Halvorsen Marine AS", "dana", ((121, "52300.00"), (12, "4100.25"))),
    _Account("1003", "Copper Kettle Foods", "lee", ((95, "26010.00"), (40, "3999.99")), disputed=True),
    _Account("1004", "Brightwater Clinics", "lee", ((104, "31000.00"), (104, "-9500.00"), (-10, "2200.00"))),
    _Account("1005", "Tallow & Reed", "dana", ((91, "25000.01"),)),
    _Account("1006", "Lindqvist Tooling", "sam", ((91, "25000.00"),)),
    _Account("1007", "Orchard Lane Schools", "sam", ((90, "61000.00"),)),
    _Account("1008", "Pemberton Glass", "sam", ((75, "48000.00"), (-5, "1200.00"))),
    _Account("1009", "Quarry Hill Quarrying", "lee", ((140, "27500.00"), (140, "-4000.00"))),
    _Account("1010", "Saffron Street Bakery", "dana", ((200, "1250.40"),)),
    _Account("1011", "Umber Logistics", "sam", ((-20, "88000.00"),)),
    _Account("1012", "Vantage Print Works", "lee", ((33, "7400.00"), (61, "9800.00"))),
)


def write(path: Path, as_of: date) -> None:
    """Write the ledger as it stands on `as_of`: a CSV with canonical column names."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for account in _ACCOUNTS:
            for number, (overdue, amount) in enumerate(account.open_items, 1):
                disputed = "yes" if account.disputed and number == 1 else "no"
                rows.writerow(
                    (
                        account.id,
                        account.name,
                        f"ap@{account.id}.example.com",
                        f"{account.rep}@sales.example.com",
                        f"{account.id}-{number:02}",
                        as_of - timedelta(days=overdue),
                        amount,
                        disputed,
                    )
                )
