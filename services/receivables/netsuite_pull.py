"""The ledger out of NetSuite: open invoices, credit memos and unapplied payments, as one full import.

SuiteQL is read in keyset pages, one request at a time, into a file of the import's own columns; then the ordinary
import takes it, with its checks and its guards, all or nothing. A pull that breaks off changed nothing: repeat it.
"""

import csv
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

from sqlalchemy import Engine

from credit.ledger_file import LedgerFileError
from credit.policy import Policy
from db import customers, policies
from db.engine import transaction
from db.errors import BadInputError, RefusedError
from db.receivables.ledger_import import ImportReport, import_ledger
from netsuite import suiteql
from netsuite.errors import NetSuiteAwayError, NetSuiteError, TransientError
from netsuite.suiteql import Page, Queries, Row

_COLUMNS = (
    "customer_id",
    "customer_name",
    "invoice_id",
    "due_date",
    "amount_open",
    "currency",
    "credit_limit",
    "credit_limit_currency",
    "netsuite_id",
    "sales_rep_email",
    "customer_email",
)
_SELECT = """
SELECT t.id, t.type, t.tranid, TO_CHAR(COALESCE(t.duedate, t.trandate), 'YYYY-MM-DD') AS due,
    COALESCE(t.foreignamountunpaid, 0) AS unpaid, COALESCE(t.foreignpaymentamountunused, 0) AS unused,
    cu.symbol AS currency, c.id AS customer, c.externalid, c.companyname, c.entityid, c.email, c.creditlimit,
    cl.symbol AS limitcurrency, e.email AS rep
FROM transaction t
JOIN customer c ON c.id = t.entity
JOIN currency cu ON cu.id = t.currency
LEFT JOIN currency cl ON cl.id = c.currency
LEFT JOIN employee e ON e.id = c.salesrep
"""
_OPEN = """
t.type IN ('CustInvc', 'CustCred', 'CustPymt') AND t.voided = 'F' AND t.posting = 'T'
    AND (COALESCE(t.foreignamountunpaid, 0) <> 0 OR COALESCE(t.foreignpaymentamountunused, 0) <> 0)
"""
_CREDITS = {"CustCred": "credit memo", "CustPymt": "payment"}

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=1)
_PATIENCE = timedelta(minutes=10)
"""How long one page may go unanswered: a person waits for this."""


class NothingToPullError(RefusedError):
    """NetSuite has no open item: more likely a missing permission than a paid ledger."""

    code = "nothing_to_pull"


class NetSuiteRefusedError(RefusedError):
    """NetSuite refuses what a pull asks of it; the text is NetSuite's."""

    code = "netsuite_refused"
    status = HTTPStatus.BAD_GATEWAY


class Patient:
    """A client that asks again where NetSuite says to, for as long as NetSuite says to."""

    def __init__(self, client: Queries, patience: timedelta = _PATIENCE) -> None:
        self._client = client
        self._patience = patience

    def suiteql(self, query: str, *, limit: int = suiteql.PAGE_LIMIT) -> Page:
        """Ask, and again after each passing fault.

        Raises:
            TransientError: it has not passed for as long as this is patient.
        """
        until, wait = time.monotonic() + self._patience.total_seconds(), _FIRST_WAIT
        while True:
            try:
                return self._client.suiteql(query, limit=limit)
            except TransientError as error:
                pause = error.retry_after or wait
                if time.monotonic() + pause.total_seconds() > until:
                    raise
                time.sleep(pause.total_seconds())
                wait = min(wait * 2, _LONGEST_WAIT)


def pull_as(
    actor: str,
    engine: Engine,
    client: Queries,
    *,
    as_of: date | None,
    rates: Mapping[str, Decimal],
    close_missing: int | None,
) -> ImportReport:
    """Pull under the policy in force: as `pull`, with the errors that are answered over HTTP.

    Raises:
        NothingToPullError: NetSuite shows no open item.
        NetSuiteRefusedError, NetSuiteAwayError: nothing was changed.
        BadInputError: the items cannot be taken as they are; the text says why.
    """
    with transaction(engine) as session:
        policy = policies.current(session)[1]
    try:
        return pull(engine, client, as_of=as_of, rates=rates, actor=actor, policy=policy, close_missing=close_missing)
    except LedgerFileError as error:
        raise BadInputError(f"NetSuite's items: {error}") from None
    except NetSuiteError as error:
        raise (NetSuiteAwayError if error.retryable else NetSuiteRefusedError)(str(error)) from error


def pull(
    engine: Engine,
    client: Queries,
    *,
    as_of: date | None,
    rates: Mapping[str, Decimal],
    actor: str,
    policy: Policy,
    close_missing: int | None = None,
    on_page: Callable[[int], None] | None = None,
) -> ImportReport:
    """Bring NetSuite's open items into the ledger, as the whole of it: what NetSuite has not is closed.

    A customer that is known here by its NetSuite id keeps its own id; another one takes NetSuite's external id, or else
    its internal id. An invoice goes by its document number; a credit's also says what it is: numbers repeat between
    kinds.

    Args:
        engine: the database.
        client: who asks NetSuite.
        as_of: the day this speaks of; today by default.
        rates: currency to its worth in the ledger's currency.
        actor: who pulls.
        policy: as for a full import.
        close_missing: as for a full import.
        on_page: told the number of items read so far.

    Raises:
        NothingToPullError: NetSuite shows no open item.
        NetSuiteError: NetSuite refused, or was away for too long; nothing was changed.
        LedgerFileError: as for a full import.
    """
    day = as_of or datetime.now(UTC).date()
    with tempfile.TemporaryDirectory(prefix="hold-pull-") as folder:
        path = Path(folder) / f"netsuite-{day}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, _COLUMNS)
            rows.writeheader()
            count = 0
            for page in _pages(Patient(client)):
                rows.writerows(_ledger_rows(engine, page))
                count += len(page)
                if on_page:
                    on_page(count)
        if count == 0:
            raise NothingToPullError(
                "NetSuite shows no open invoice and no unapplied credit: give the integration's role the permissions "
                "Find Transaction, Invoice, Credit Memo, Customer Payment and SuiteAnalytics Workbook"
            )
        return import_ledger(
            engine,
            path,
            mapping={},
            as_of=day,
            rates=rates,
            skip_bad=False,
            actor=actor,
            policy=policy,
            full=True,
            close_missing=close_missing,
        )


def _pages(client: Queries) -> Iterator[list[Row]]:
    page: list[Row] = []
    for row in suiteql.walk(client, _SELECT, _OPEN, "t.id"):
        page.append(row)
        if len(page) == suiteql.PAGE_LIMIT:
            yield page
            page = []
    if page:
        yield page


def _ledger_rows(engine: Engine, page: list[Row]) -> list[dict[str, str]]:
    with transaction(engine) as session:
        known = customers.ids_by_netsuite_id(session, {row["customer"] for row in page})
    return [_ledger_row(row, known) for row in page]


def _ledger_row(row: Row, known: Mapping[str, str]) -> dict[str, str]:
    netsuite_id = row["customer"]
    kind, number = _CREDITS.get(row["type"]), row.get("tranid") or row["id"]
    return {
        "customer_id": known.get(netsuite_id) or row.get("externalid") or netsuite_id,
        "customer_name": row.get("companyname") or row.get("entityid", ""),
        "invoice_id": f"{kind} {number}" if kind else number,
        "due_date": row.get("due", "") if kind is None else "",
        "amount_open": str(Decimal(row["unpaid"]) - Decimal(row["unused"])),
        "currency": row["currency"],
        "credit_limit": row.get("creditlimit", ""),
        "credit_limit_currency": row.get("limitcurrency", ""),
        "netsuite_id": netsuite_id,
        "sales_rep_email": row.get("rep", ""),
        "customer_email": row.get("email", ""),
    }
