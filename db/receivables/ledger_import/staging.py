"""Rows of a file on their way into the ledger: copied into a temporary table, where the file as a whole is checked."""

from collections.abc import Iterable, Iterator, Mapping

from psycopg import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

from credit.ledger_file import BadRow, LedgerRow
from credit.states import OPEN_HOLD
from db.receivables.ledger_import import families

_LOCK = 0x6C65646765720000  # "ledger": one import at a time looks at the ledger and changes it

# One sort or hash may take 64 MB before it goes to disk, whatever the size of the file. The server looks every second
# whether the importing process still lives: else its ledger would stay locked until a long statement ends.
_CREATE = """
SET LOCAL work_mem = '64MB';
SET LOCAL client_connection_check_interval = '1s';
CREATE TEMP TABLE ledger_staging (
    line bigint NOT NULL, customer_id text NOT NULL, customer_name text, invoice_id text NOT NULL, due_date date,
    is_credit boolean NOT NULL, amount numeric(18, 2) NOT NULL, source_amount numeric(18, 2) NOT NULL,
    source_currency text NOT NULL, rate numeric(18, 8) NOT NULL, disputed boolean, credit_limit numeric(18, 2),
    limit_currency text, netsuite_id text, sales_rep_email text, customer_email text, organisation text, parent_id text
) ON COMMIT DROP;
CREATE TEMP TABLE ledger_losers (customer_id text PRIMARY KEY, netsuite_id text NOT NULL, reason text NOT NULL)
ON COMMIT DROP;
"""
_COPY = f"COPY ledger_staging ({', '.join(LedgerRow._fields)}) FROM STDIN"

_DUPLICATES = """
SELECT line, invoice_id AS value, 'the same id as on line ' || first AS reason
FROM (SELECT line, invoice_id, min(line) OVER (PARTITION BY invoice_id) AS first FROM ledger_staging) AS counted
WHERE line <> first ORDER BY line
"""
_ONE_EACH = {
    "netsuite_id": "NetSuite id",
    "organisation": "organisation",
    "parent_id": "parent",
    "limit_currency": "its credit limit in",
}
"""What a customer has one of, and what it is called."""

# What NetSuite id each customer of the file would have afterwards.
_WANTED = """
SELECT s.customer_id, min(s.line) AS line, coalesce(min(s.netsuite_id), c.netsuite_id, s.customer_id) AS netsuite_id,
    c.netsuite_id AS had
FROM ledger_staging s LEFT JOIN customers c ON c.id = s.customer_id GROUP BY s.customer_id, c.netsuite_id
"""
_LOCK_MOVING = f"""
SELECT c.id FROM customers c JOIN ({_WANTED}) AS w ON w.customer_id = c.id
WHERE w.netsuite_id <> w.had ORDER BY c.id FOR NO KEY UPDATE OF c
"""  # noqa: S608 (no value from outside)
_MOVING_UNDER_A_HOLD = f"""
INSERT INTO ledger_losers
SELECT w.customer_id, w.netsuite_id, 'customer ' || w.customer_id || ' has an open hold that goes by NetSuite id '
    || w.had || ': it can change once the hold is over'
FROM ({_WANTED}) AS w
WHERE w.netsuite_id <> w.had
    AND EXISTS (SELECT FROM holds h WHERE h.customer_id = w.customer_id AND h.status = ANY(:open_hold))
"""  # noqa: S608 (no value from outside)
_CLAIMED_TWICE = f"""
INSERT INTO ledger_losers
WITH wanted AS ({_WANTED}),
claims AS (
    SELECT customer_id, netsuite_id, line, had IS NOT DISTINCT FROM netsuite_id AS holds_it FROM wanted
    UNION ALL
    SELECT c.id, c.netsuite_id, 0, true FROM customers c
    WHERE c.netsuite_id IN (SELECT netsuite_id FROM wanted)
        AND NOT EXISTS (SELECT FROM wanted w WHERE w.customer_id = c.id)
),
ranked AS (
    SELECT customer_id, netsuite_id,
        row_number() OVER claimants AS place, first_value(customer_id) OVER claimants AS first
    FROM claims WINDOW claimants AS (PARTITION BY netsuite_id ORDER BY holds_it DESC, line, customer_id)
)
SELECT customer_id, netsuite_id,
    'NetSuite id ' || netsuite_id || ' is claimed by two customers, ' || first || ' and ' || customer_id
FROM ranked WHERE place > 1
"""  # noqa: S608 (no value from outside)
_LOSERS = """
SELECT s.line, l.netsuite_id AS value, l.reason, s.netsuite_id IS NULL AS by_default
FROM ledger_staging s JOIN ledger_losers l USING (customer_id) ORDER BY s.line
"""
_DROP_LOSERS = "DELETE FROM ledger_staging s USING ledger_losers l WHERE s.customer_id = l.customer_id"


def _two_values(column: str) -> str:
    """Build what finds the rows that contradict their customer's first row with a value in `column`."""
    return f"""
SELECT s.line, s.{column} AS value,
    'customer ' || s.customer_id || ' has {_ONE_EACH[column]} ' || f.{column} || ' on line ' || f.line AS reason
FROM ledger_staging s
JOIN (
    SELECT DISTINCT ON (customer_id) customer_id, {column}, line FROM ledger_staging
    WHERE {column} IS NOT NULL ORDER BY customer_id, line
) AS f USING (customer_id)
WHERE s.{column} <> f.{column} ORDER BY s.line
"""  # noqa: S608 (our own column names)


def create(session: Session) -> None:
    """Make the temporary tables, and settings for the work on them; both are gone when the transaction ends."""
    session.execute(text(_CREATE))


def copy_rows(session: Session, rows: Iterable[LedgerRow]) -> None:
    """Stream rows into the staging table, in constant memory."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(f"an import needs psycopg 3, not {type(connection).__name__}")
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)
    session.execute(text("ANALYZE ledger_staging"))


def lock_ledger(session: Session) -> None:
    """Wait for other imports to end, and keep new ones waiting until this transaction does."""
    session.execute(text("SET LOCAL lock_timeout = 0"))  # an import may wait as long as another one takes
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def refuse_contradictions(session: Session, column_of: Mapping[str, str]) -> Iterator[BadRow]:
    """Take rows out of the staging table that contradict others or the ledger, and yield each.

    An invoice id that occurred before in the file; a customer with two NetSuite ids, organisations, parents or
    currencies of its credit limit; a NetSuite id that two customers claim (the one who has it keeps it, then the first
    in the file); one that would change under an open hold, whose release must find the record it wrote to; what
    `families` says.

    Args:
        session: the import's transaction, with the ledger locked.
        column_of: canonical column to the file's own name of it.
    """
    yield from _refuse(session, _DUPLICATES, column_of["invoice_id"])
    if "credit_limit" in column_of:
        column_of = {**column_of, "limit_currency": column_of["credit_limit"]}
    for column in _ONE_EACH.keys() & column_of.keys():
        yield from _refuse(session, _two_values(column), column_of[column])
    if "organisation" in column_of:
        yield from _refuse(session, families.UNKNOWN_ORGANISATIONS, column_of["organisation"])
    if "netsuite_id" in column_of:
        session.execute(text(_LOCK_MOVING))
        session.execute(text(_MOVING_UNDER_A_HOLD), {"open_hold": list(OPEN_HOLD)})
        yield from _refuse_losers(session, column_of)
    left_out = True
    while left_out:  # a customer that is left out keeps an id that another may have claimed, and is nobody's parent
        left_out = False
        for row in _refuse_what_others_need(session, column_of):
            left_out = True
            yield row


def _refuse_what_others_need(session: Session, column_of: Mapping[str, str]) -> Iterator[BadRow]:
    if _rows_of(session, _CLAIMED_TWICE):
        yield from _refuse_losers(session, column_of)
    if "parent_id" in column_of:
        yield from _refuse(session, families.UNKNOWN_PARENTS, column_of["parent_id"])
        yield from _refuse(session, families.OWN_ANCESTORS, column_of["parent_id"])


def _refuse(session: Session, find: str, column: str) -> Iterator[BadRow]:
    found = False
    for row in session.execute(text(find), execution_options={"yield_per": 1000}):
        found = True
        yield BadRow(row.line, column, row.reason, row.value)
    if found:
        session.execute(text(f"DELETE FROM ledger_staging WHERE line IN (SELECT line FROM ({find}) AS found)"))  # noqa: S608


def _refuse_losers(session: Session, column_of: Mapping[str, str]) -> Iterator[BadRow]:
    for row in session.execute(text(_LOSERS), execution_options={"yield_per": 1000}):
        column = column_of["customer_id" if row.by_default else "netsuite_id"]
        yield BadRow(row.line, column, row.reason, row.value)
    session.execute(text(_DROP_LOSERS))
    session.execute(text("TRUNCATE ledger_losers"))


def _rows_of(session: Session, statement: str) -> int:
    return session.execute(text(statement)).rowcount  # type: ignore[attr-defined,no-any-return]
