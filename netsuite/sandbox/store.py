"""The sandbox's records and its ledger, in one SQLite file that survives ``kill -9``.

A change to a customer and its ledger row are one transaction, flushed to disk before the answer is sent. The ledger is
append-only: triggers forbid update and delete. All methods are blocking and belong to one thread; see
:class:`StoreThread`.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from netsuite.sandbox import suiteql
from netsuite.sandbox.customer_fields import DEFAULTS

FILE_NAME = "sandbox.sqlite3"
EXTERNAL = "eid:"
"""The prefix that addresses a record by its external id."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, external_id TEXT UNIQUE, fields TEXT NOT NULL, last_modified TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sales_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, customer_id TEXT, external_id TEXT,
    method TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL, applied INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS ledger_customer ON ledger (customer_id);
CREATE INDEX IF NOT EXISTS ledger_external ON ledger (external_id);
CREATE TRIGGER IF NOT EXISTS ledger_no_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_no_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""

# A list of [id, external id, {field: value}] goes in as one JSON text: a few statements per list, not per customer.
_SEED_TABLE = "CREATE TEMP TABLE IF NOT EXISTS seed (id TEXT PRIMARY KEY, external_id TEXT, given TEXT) WITHOUT ROWID"
_SEED = (
    "DELETE FROM seed",
    "INSERT OR REPLACE INTO seed SELECT value ->> 0, value ->> 1, value -> 2 FROM json_each(:rows)",
    """UPDATE customers SET external_id = NULL FROM seed
       WHERE customers.external_id = seed.external_id AND customers.id <> seed.id""",
    """UPDATE customers SET external_id = coalesce(seed.external_id, customers.external_id),
       fields = json_patch(fields, given), last_modified = :now FROM seed WHERE customers.id = seed.id""",
    """INSERT INTO customers SELECT id, external_id, json_patch(:defaults, given), :now FROM seed
       WHERE NOT EXISTS (SELECT 1 FROM customers WHERE customers.id = seed.id)""",
    "DELETE FROM seed",
)

# An id that is the internal id of a record with another external id of its own names that record only.
_LEDGER_OF = """
SELECT at, method, path, body, applied FROM ledger
WHERE customer_id = :id OR (external_id = :id AND NOT EXISTS (
    SELECT 1 FROM customers WHERE id = :id AND external_id IS NOT NULL AND external_id <> :id))
ORDER BY seq
"""

Result = TypeVar("Result")
Customer = dict[str, Any]


class DuplicateExternalId(Exception):  # noqa: N818 - it says what is wrong with the list
    """Two customers of one list claim the same external id."""


@dataclass(frozen=True, slots=True)
class Write:
    """A write request as it arrived: ``address`` is the id in its path, ``body`` any JSON value or the raw text."""

    method: str
    path: str
    address: str
    body: object


class Store:
    """Customers, sales orders and the ledger."""

    def __init__(self, folder: Path) -> None:
        """Open the file in ``folder``, making both where they are missing (the folder with mode 0700)."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=10)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "recursive_triggers = ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)
        self._db.execute(_SEED_TABLE)
        self._db.executescript(suiteql.VIEWS)
        self._db.create_function("to_char", 2, suiteql.to_char, deterministic=True)

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.close()

    def customer(self, address: str) -> Customer | None:
        """The record at an internal id, or at ``eid:`` and an external id."""
        column, value = ("external_id", address[len(EXTERNAL) :]) if address.startswith(EXTERNAL) else ("id", address)
        query = f"SELECT id, external_id, fields, last_modified FROM customers WHERE {column} = ?"  # noqa: S608
        row = self._db.execute(query, (value,)).fetchone()
        if row is None:
            return None
        fields: Customer = json.loads(row[2])
        return fields | {"id": row[0], "externalId": row[1], "lastModifiedDate": row[3]}

    def change(self, write: Write, merge: Callable[[Customer], Customer]) -> str | None:
        """Apply ``merge`` to the customer, note it in the ledger, and return the internal id; None without a customer.

        What ``merge`` raises passes through, and nothing is changed or noted.
        """
        with self._transaction():
            before = self.customer(write.address)
            if before is None:
                return None
            fields = {key: value for key, value in merge(before).items() if key not in _OWN_COLUMNS}
            self._db.execute(
                "UPDATE customers SET fields = ?, last_modified = ? WHERE id = ?",
                (json.dumps(fields), _seconds(), before["id"]),
            )
            self._note(write, before["id"], before["externalId"], applied=True)
            return str(before["id"])

    def note_refused(self, write: Write) -> None:
        """Keep a write that was turned down, with ``applied`` false."""
        with self._transaction():
            customer = self.customer(write.address)
            if customer is not None:
                self._note(write, customer["id"], customer["externalId"], applied=False)
            elif write.address.startswith(EXTERNAL):
                self._note(write, None, write.address[len(EXTERNAL) :], applied=False)
            else:
                self._note(write, write.address, None, applied=False)

    def ledger(self, customer: str | None) -> list[dict[str, Any]]:
        """``[{at, method, path, body, applied}]`` in order: of one internal or external id, or of everybody.

        ``eid:`` before an id makes it an external one beyond doubt.
        """
        if customer is None:
            rows = self._db.execute("SELECT at, method, path, body, applied FROM ledger ORDER BY seq")
        elif customer.startswith(EXTERNAL):
            query = "SELECT at, method, path, body, applied FROM ledger WHERE external_id = ? ORDER BY seq"
            rows = self._db.execute(query, (customer[len(EXTERNAL) :],))
        else:
            rows = self._db.execute(_LEDGER_OF, {"id": customer})
        keys = ("at", "method", "path", "body", "applied")
        return [dict(zip(keys, (*row[:3], json.loads(row[3]), bool(row[4])), strict=True)) for row in rows]

    def seed(self, customers: Iterable[tuple[str, str | None, dict[str, Any]]]) -> int:
        """Insert or update ``(id, external id, fields)``; fields not given stay. Returns how many were given.

        An external id moves to the record that claims it now.

        Raises:
            DuplicateExternalId: one list gives it to two records; nothing is changed.
        """
        rows = list(customers)
        values = {"rows": json.dumps(rows), "defaults": json.dumps(DEFAULTS), "now": _seconds()}
        try:
            with self._transaction():
                for statement in _SEED:
                    self._db.execute(statement, values)
        except sqlite3.IntegrityError as error:
            raise DuplicateExternalId("two customers of the list claim the same externalId") from error
        return len(rows)

    def put(self, kind: str, records: Iterable[tuple[str, dict[str, Any]]]) -> int:
        """Insert or replace ``(id, fields)`` of a kind that only SuiteQL shows; a transaction, or an employee."""
        rows = [(kind, key, json.dumps(fields)) for key, fields in records]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", rows)
        return len(rows)

    def suiteql(self, question: suiteql.Asked) -> dict[str, Any]:
        """A page of a query's rows; see :func:`netsuite.sandbox.suiteql.answer`."""
        return suiteql.answer(self._db, question)

    def add_sales_order(self, customer_id: str, body: object) -> int:
        """Keep a sales order and return its internal id."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO sales_orders (customer_id, at, body) VALUES (?, ?, ?)",
                (customer_id, _instant(), json.dumps(body)),
            )
            return int(cursor.lastrowid or 0)

    def _note(self, write: Write, customer_id: str | None, external_id: str | None, *, applied: bool) -> None:
        self._db.execute(
            "INSERT INTO ledger (at, customer_id, external_id, method, path, body, applied) VALUES (?,?,?,?,?,?,?)",
            (_instant(), customer_id, external_id, write.method, write.path, json.dumps(write.body), applied),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


class StoreThread:
    """The one thread the :class:`Store` lives in, so that a flush to disk never stops the server's loop."""

    def __init__(self, folder: Path) -> None:
        """Open the store.

        Raises:
            OSError, sqlite3.Error: the folder or the file cannot be used.
        """
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._store = self._thread.submit(Store, folder).result()

    async def do(self, work: Callable[[Store], Result]) -> Result:
        """Run ``work`` on the store's thread, in turn, and return or raise what it does."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._store)

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._thread.submit(self._store.close).result()
        self._thread.shutdown()


_OWN_COLUMNS = frozenset({"id", "externalId", "lastModifiedDate"})


def _instant() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _seconds() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
