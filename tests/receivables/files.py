"""Ledger files for the tests, and a plain reading of them to compare with: csv and Decimal, no SQL."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from credit.policy import Policy
from db.receivables.ledger_import import ImportReport, import_ledger

EXPORT = Path(__file__).parents[2].parent / "shared" / "data" / "ar_open_items.csv"
EXPORT_MAPPING = {
    "customer_id": "cust_number",
    "customer_name": "name_customer",
    "invoice_id": "doc_id",
    "due_date": "due_in_date",
    "amount_open": "converted_usd",
}
needs_export = pytest.mark.skipif(not EXPORT.exists(), reason=f"the real export is not at {EXPORT}")

TABLES = (
    "customers",
    "sales_reps",
    "accounting_profiles",
    "invoices",
    "credits",
    "customer_invoice_dispute",
    "imports",
    "audit_events",
)

Import = Callable[..., ImportReport]


def make_import(engine: Engine, tmp_path: Path) -> Import:
    """Return a function that writes a text to a file and imports it; or imports a file."""

    def run(source: str | bytes | Path, **options: Any) -> ImportReport:
        path = source if isinstance(source, Path) else tmp_path / "ledger.csv"
        if isinstance(source, str):
            path.write_text(source, encoding="utf-8", newline="")
        if isinstance(source, bytes):
            path.write_bytes(source)
        given: dict[str, Any] = {
            "mapping": {},
            "as_of": None,
            "rates": {},
            "skip_bad": False,
            "actor": "tester",
            "policy": Policy(),
        }
        return import_ledger(engine, path, **(given | options))

    return run


def ledger(*rows: str, extra: str = "") -> str:
    """Return a file of `customer_id,customer_name,invoice_id,due_date,amount_open` and `extra` columns."""
    header = "customer_id,customer_name,invoice_id,due_date,amount_open" + (f",{extra}" if extra else "")
    return "\n".join([header, *rows]) + "\n"


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Return every row of the ledger's tables with the version of each: two equal answers mean nothing was written."""
    with engine.connect() as connection:
        return {
            table: sorted(
                connection.execute(text(f"SELECT xmin::text || ' ' || ctid || ' ' || t::text FROM {table} t")).scalars()  # noqa: S608
            )
            for table in TABLES
        }


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def plain_candidates(path: Path, as_of: date) -> dict[str, tuple[Decimal, int]]:
    """Return whom the service-hold spec's threshold names in the real export: customer to amount and days overdue."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    oldest: dict[str, date] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            customer, amount = row["cust_number"], Decimal(row["converted_usd"])
            total[customer] += amount
            if amount > 0:
                due = date.fromisoformat(row["due_in_date"][:10])
                oldest[customer] = min(due, oldest.get(customer, due))
    overdue = {customer: (as_of - due).days for customer, due in oldest.items()}
    return {
        customer: (total[customer], days) for customer, days in overdue.items() if days > 90 and total[customer] > 25000
    }


def write_rows(path: Path, count: int, *, customers: int) -> Path:
    """Write a file of `count` generated rows."""

    def lines() -> Iterable[str]:
        yield "customer_id,customer_name,invoice_id,due_date,amount_open\n"
        for number in range(count):
            customer = number * 7919 % customers
            day = f"2020-{1 + number % 12:02}-{1 + number % 28:02} 00:00:00"
            yield f"C{customer:07},Customer {customer} Inc,INV{number:08},{day},{number * 37 % 900000 / 100:.2f}\n"

    with path.open("w") as file:
        file.writelines(lines())
    return path
