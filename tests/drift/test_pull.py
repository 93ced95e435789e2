"""`hold ar pull`: NetSuite's open items through the ordinary import, equal to a file of the same data."""

import csv
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from credit.policy import Policy
from db.receivables.ledger_import import ImportReport, import_ledger
from netsuite.client import Credentials, NetSuiteClient
from netsuite.errors import TransientError
from netsuite.sandbox.keys import generate_key_pair
from runtime.settings import Settings
from services.netsuite import certificate
from services.receivables import netsuite_pull
from services.receivables.netsuite_pull import NothingToPullError, Patient, pull
from starter.stack import doctor
from tests.netsuite.sandbox_server import CERTIFICATE_ID, CLIENT_ID, CountingTransport, SandboxServer, in_threads
from tests.patience import PATIENCE
from tests.receivables.files import rows

INVOICES, CREDITS, CUSTOMERS = 2400, 100, 40
DAY = date(2026, 11, 21)
LEDGER = (
    "SELECT id, customer_id, due_date, amount_open FROM invoices ORDER BY id",
    "SELECT id, customer_id, amount_unapplied FROM credits ORDER BY id",
    """SELECT c.id, c.name, c.netsuite_id, c.email, r.email, p.credit_limit FROM customers c
    LEFT JOIN sales_reps r ON r.id = c.sales_rep_id LEFT JOIN accounting_profiles p ON p.customer_id = c.id
    ORDER BY 1""",
)


class Account:
    def __init__(self, server: SandboxServer, client: NetSuiteClient, transport: CountingTransport) -> None:
        self.server, self.client, self.transport = server, client, transport

    def fill(self) -> None:
        """2,500 open items, and some that are none: paid, voided, not posted, or a bill."""
        self.server.put("employees", [{"id": "7", "email": "rep@example.test"}])
        self.server.seed([customer(number) for number in range(CUSTOMERS)]).raise_for_status()
        closed = [
            item(9001, "CustInvc", unpaid=0),
            item(9002, "CustInvc", unpaid=5) | {"voided": "T"},
            item(9003, "CustInvc", unpaid=5) | {"posting": "F"},
        ]
        self.server.put("transactions", [*open_items(), *closed])


def customer(number: int) -> dict[str, Any]:
    parent = {"parent": f"{1000}"} if number == 1 else {}
    return {
        "id": str(1000 + number),
        "externalId": f"C-{number}",
        "companyName": f"Company {number}, Ltd",
        "email": f"ap{number}@example.test",
        "salesRep": "7",
        "creditLimit": 5000,
    } | parent


def item(number: int, kind: str, *, unpaid: float = 0, unused: float = 0) -> dict[str, Any]:
    day = (DAY - timedelta(days=number % 200)).isoformat()
    return {
        "id": str(number),
        "tranId": f"{number}",
        "type": kind,
        "entity": str(1000 + number % CUSTOMERS),
        "tranDate": day,
        "dueDate": day,
        "unpaid": unpaid,
        "unused": unused,
    }


def open_items() -> list[dict[str, Any]]:
    invoices = [item(10000 + number, "CustInvc", unpaid=number + 0.25) for number in range(INVOICES)]
    kinds = ("CustCred", "CustPymt")
    return invoices + [item(20000 + number, kinds[number % 2], unused=number + 0.5) for number in range(CREDITS)]


def write_file(path: Path) -> Path:
    """The same data as the accounting system would export it."""
    names = {"CustCred": "credit memo", "CustPymt": "payment"}
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(netsuite_pull._COLUMNS)
        for row in open_items():
            owner = customer(int(row["entity"]) - 1000)
            kind = names.get(row["type"])
            out.writerow(
                (
                    owner["externalId"], owner["companyName"], f"{kind} {row['tranId']}" if kind else row["tranId"],
                    "" if kind else row["dueDate"], row["unpaid"] - row["unused"], "USD", 5000, "", owner["id"],
                    "rep@example.test", owner["email"],
                )
            )  # fmt: skip
    return path


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    private, public = generate_key_pair("ES256")
    credentials, transport = Credentials(CLIENT_ID, CERTIFICATE_ID, private, "ES256"), CountingTransport()
    with (
        SandboxServer(tmp_path / "account", public) as server,
        NetSuiteClient(server.url, credentials, timeout=httpx.Timeout(PATIENCE), transport=transport) as client,
    ):
        yield Account(server, client, transport)


def run(engine: Engine, account: Account, **more: Any) -> ImportReport:
    how = {"as_of": DAY, "rates": {}, "actor": "olga", "policy": Policy()} | more
    return pull(engine, account.client, **how)


def test_a_pull_equals_an_import_of_the_same_data_and_a_second_one_changes_nothing(
    engine: Engine, account: Account, tmp_path: Path
) -> None:
    account.fill()
    report = run(engine, account)
    assert (report.invoices_inserted, report.credits_inserted, report.customers) == (INVOICES, CREDITS, CUSTOMERS)
    assert account.transport.seen["record"] == 3
    pulled = [rows(engine, query) for query in LEDGER]

    file = write_file(tmp_path / "export.csv")
    policy = Policy()
    same = import_ledger(
        engine, file, mapping={}, as_of=DAY, rates={}, skip_bad=False, actor="olga", policy=policy, full=True
    )
    assert (same.imported, same.changed, same.bad_rows) == (True, False, 0)
    assert [rows(engine, query) for query in LEDGER] == pulled
    assert not run(engine, account).changed
    assert account.server.health()["most_at_once"] == 1


def test_what_netsuite_has_closed_is_closed_here_within_the_guard(engine: Engine, account: Account) -> None:
    account.fill()
    run(engine, account)
    paid = [one | {"unpaid": 0} for one in open_items()[:10]]
    account.server.put("transactions", paid)
    assert run(engine, account).invoices_closed == 10

    account.server.put("transactions", [one | {"unpaid": 0} for one in open_items()[:1500]])
    refused = run(engine, account)
    assert (refused.imported, "more than 30%" in str(refused.refusal)) == (False, True)
    assert rows(engine, "SELECT count(*) FROM invoices WHERE amount_open > 0") == [(INVOICES - 10,)]


def test_customers_keep_the_id_they_have_here(engine: Engine, account: Account, tmp_path: Path) -> None:
    path = tmp_path / "before.csv"
    path.write_text(
        "customer_id,customer_name,invoice_id,due_date,amount_open,netsuite_id\nOURS,Us,1,2026-01-01,1,1003\n"
    )
    import_ledger(engine, path, mapping={}, as_of=None, rates={}, skip_bad=False, actor="olga", policy=Policy())
    account.fill()
    run(engine, account, close_missing=1)
    assert rows(engine, "SELECT id FROM customers WHERE netsuite_id = '1003'") == [("OURS",)]


def test_kind_12_a_limit_is_in_its_customers_currency_whatever_its_items_are_in(
    engine: Engine, account: Account
) -> None:
    account.server.seed([customer(number) | {"currency": "EUR"} for number in range(CUSTOMERS)]).raise_for_status()
    account.server.put("transactions", [item(1, "CustInvc", unpaid=10)])

    assert "not the ledger's USD" in run(engine, account).bad[0].reason
    assert run(engine, account, rates={"EUR": Decimal("1.5")}).imported

    assert rows(engine, "SELECT credit_limit FROM accounting_profiles") == [(Decimal(7500),)]
    assert rows(engine, "SELECT amount_open FROM invoices") == [(Decimal(10),)]


def test_an_empty_ledger_is_refused_rather_than_closing_everything(engine: Engine, account: Account) -> None:
    with pytest.raises(NothingToPullError, match="SuiteAnalytics"):
        run(engine, account)


@pytest.mark.parametrize("faults", [{"outage": True}, {"maintenance": "page"}, {"maintenance": "redirect"}])
def test_an_outage_during_a_pull_only_makes_it_late_and_a_long_one_changes_nothing(
    engine: Engine, account: Account, faults: dict[str, object]
) -> None:
    account.fill()
    account.server.faults(**faults)
    with pytest.raises(TransientError):
        Patient(account.client, timedelta(seconds=1)).suiteql("SELECT id FROM customer")
    before = account.transport.seen.total()
    with in_threads(1, lambda _: run(engine, account)) as outcome:
        while account.transport.seen.total() < before + 2:
            time.sleep(0.02)
        account.server.clear_faults()
    assert outcome[0].imported


def test_a_certificate_near_its_end_is_warned_about(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()

    def look(days: int | None) -> doctor.Check:
        expires = today + timedelta(days=days) if days is not None else None
        settings = Settings(data_dir=tmp_path, netsuite_certificate_expires=expires)
        return doctor._guarded("netsuite-certificate", doctor._certificate, settings)

    assert [look(days).ok for days in (None, 400, 59, 0, -3)] == [True, True, False, False, False]
    assert "ends on" in str(look(59).problem)
    assert "nothing can be pushed" in str(look(-3).problem)
    [metric] = certificate.CertificateExpiry(today + timedelta(days=2)).collect()
    assert metric.name == "hold_netsuite_certificate_expires_seconds"
    assert 86400 < metric.samples[0].value <= 2 * 86400
    assert list(certificate.CertificateExpiry(None).collect()) == []
