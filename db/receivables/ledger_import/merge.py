"""The set-based statements that bring checked rows from the staging table into the ledger.

Each touches only rows that would become different, so the same file a second time changes none. Who lost or won an
amount is noted in `ledger_touched`; last, their credit limits are judged, all at once.
"""

from typing import NamedTuple

from sqlalchemy import text

from credit.credit_limit import LimitCause
from db.act import Act
from db.freight import credit_limits
from db.receivables.ledger_import import missing, touched
from db.receivables.ledger_import.report import Counts, Missing
from db.receivables.ledger_import.touched import written
from db.roles import ANALYZED

ANALYZE_FROM = 1000
"""Changed rows from which the planner's statistics are renewed at once instead of by autovacuum, a minute later."""


def _most_frequent(column: str) -> str:
    """Build the spelling each customer has most often in the file; of those equally often, the smallest.

    So the order of the rows, which most systems do not promise, changes nothing.
    """
    return f"""(
        SELECT DISTINCT ON (customer_id) customer_id, {column} AS value
        FROM (
            SELECT customer_id, {column}, count(*) AS times
            FROM ledger_staging WHERE {column} IS NOT NULL GROUP BY customer_id, {column}
        ) AS spelt ORDER BY customer_id, times DESC, {column}
    )"""  # noqa: S608 (our own column names)


_CUSTOMERS = f"""
CREATE TEMP TABLE ledger_customers ON COMMIT DROP AS
SELECT s.customer_id AS id, coalesce(n.value, c.name, s.customer_id) AS name,
    coalesce(s.netsuite_id, c.netsuite_id, s.customer_id) AS netsuite_id, coalesce(e.value, c.email) AS email,
    c.sales_rep_id, r.value AS rep_email, l.value AS credit_limit, coalesce(s.organisation, c.organisation, 'main')
    AS organisation, coalesce(s.parent_id, c.parent_id) AS parent_id, c.id IS NULL AS is_new, s.spellings
FROM (
    SELECT customer_id, min(netsuite_id) AS netsuite_id, min(organisation) AS organisation,
        min(parent_id) AS parent_id, count(DISTINCT customer_name) AS spellings
    FROM ledger_staging GROUP BY customer_id
) AS s
LEFT JOIN customers c ON c.id = s.customer_id
LEFT JOIN {_most_frequent("customer_name")} AS n USING (customer_id)
LEFT JOIN {_most_frequent("customer_email")} AS e USING (customer_id)
LEFT JOIN {_most_frequent("sales_rep_email")} AS r USING (customer_id)
LEFT JOIN {_most_frequent("credit_limit")} AS l USING (customer_id)
"""  # noqa: S608 (our own column names)
_REPS = """
INSERT INTO sales_reps (email, name)
SELECT DISTINCT f.rep_email, '' FROM ledger_customers f
WHERE f.rep_email IS NOT NULL AND NOT EXISTS (SELECT FROM sales_reps r WHERE r.email = f.rep_email)
ON CONFLICT (email) DO NOTHING
"""
_LINK_REPS = """
UPDATE ledger_customers f SET sales_rep_id = r.id FROM sales_reps r
WHERE r.email = f.rep_email AND f.sales_rep_id IS DISTINCT FROM r.id
"""
# Two customers may swap NetSuite ids: whoever must give one up lets go of it first.
_LET_GO = """
UPDATE customers c SET netsuite_id = 'moving away from ' || c.netsuite_id FROM ledger_customers f
WHERE f.id = c.id AND f.netsuite_id <> c.netsuite_id
    AND EXISTS (SELECT FROM ledger_customers o WHERE o.netsuite_id = c.netsuite_id)
"""
_UPDATE_CUSTOMERS = """
UPDATE customers c SET name = f.name, netsuite_id = f.netsuite_id, email = f.email, sales_rep_id = f.sales_rep_id,
    organisation = f.organisation, parent_id = f.parent_id, last_modified = clock_timestamp()
FROM ledger_customers f
WHERE f.id = c.id AND (c.name, c.netsuite_id, c.email, c.sales_rep_id, c.organisation, c.parent_id)
    IS DISTINCT FROM (f.name, f.netsuite_id, f.email, f.sales_rep_id, f.organisation, f.parent_id)
"""
_INSERT_CUSTOMERS = """
INSERT INTO customers (id, name, netsuite_id, email, sales_rep_id, organisation, parent_id)
SELECT id, name, netsuite_id, email, sales_rep_id, organisation, parent_id FROM ledger_customers
WHERE is_new ORDER BY id
"""
_LIMITS = """
UPDATE accounting_profiles p SET credit_limit = f.credit_limit
FROM ledger_customers f JOIN ledger_touched t ON t.customer_id = f.id
WHERE p.customer_id = f.id AND f.credit_limit IS NOT NULL AND f.credit_limit IS DISTINCT FROM p.credit_limit
"""

# An id whose amount changed its sign moves. An invoice that was ever disputed stays, at zero, for its disputes' sake.
_CREDITS_GONE = """
DELETE FROM credits c USING ledger_staging s WHERE s.invoice_id = c.id AND NOT s.is_credit
"""
_INVOICES_GONE = """
DELETE FROM invoices i USING ledger_staging s WHERE s.invoice_id = i.id AND s.is_credit
    AND NOT EXISTS (SELECT FROM customer_invoice_dispute d WHERE d.invoice_id = i.id)
"""
_INVOICES_CLOSED = """
UPDATE invoices i SET amount_open = 0, source_amount = 0 FROM ledger_staging s
WHERE s.invoice_id = i.id AND s.is_credit AND i.amount_open > 0
"""
_UPDATE_INVOICES = """
UPDATE invoices i SET customer_id = s.customer_id, due_date = s.due_date, amount_open = s.amount,
    source_amount = s.source_amount, source_currency = s.source_currency, rate = s.rate
FROM ledger_staging s
WHERE s.invoice_id = i.id AND NOT s.is_credit
    AND (i.customer_id, i.due_date, i.amount_open, i.source_amount, i.source_currency, i.rate)
    IS DISTINCT FROM (s.customer_id, s.due_date, s.amount, s.source_amount, s.source_currency, s.rate)
"""
_INSERT_INVOICES = """
INSERT INTO invoices (id, customer_id, due_date, amount_open, source_amount, source_currency, rate)
SELECT s.invoice_id, s.customer_id, s.due_date, s.amount, s.source_amount, s.source_currency, s.rate
FROM ledger_staging s
WHERE NOT s.is_credit AND NOT EXISTS (SELECT FROM invoices i WHERE i.id = s.invoice_id)
ORDER BY s.customer_id, s.line
"""
_UPDATE_CREDITS = """
UPDATE credits c SET customer_id = s.customer_id, amount_unapplied = s.amount, source_amount = s.source_amount,
    source_currency = s.source_currency, rate = s.rate
FROM ledger_staging s
WHERE s.invoice_id = c.id AND s.is_credit
    AND (c.customer_id, c.amount_unapplied, c.source_amount, c.source_currency, c.rate)
    IS DISTINCT FROM (s.customer_id, s.amount, s.source_amount, s.source_currency, s.rate)
"""
_INSERT_CREDITS = """
INSERT INTO credits (id, customer_id, amount_unapplied, source_amount, source_currency, rate)
SELECT s.invoice_id, s.customer_id, s.amount, s.source_amount, s.source_currency, s.rate
FROM ledger_staging s
WHERE s.is_credit AND NOT EXISTS (SELECT FROM credits c WHERE c.id = s.invoice_id)
ORDER BY s.customer_id, s.line
"""
_MOVE_DISPUTES = """
UPDATE customer_invoice_dispute d SET customer_id = s.customer_id FROM ledger_staging s
WHERE s.invoice_id = d.invoice_id AND NOT s.is_credit AND d.customer_id <> s.customer_id
"""
_OPEN_DISPUTES = """
INSERT INTO customer_invoice_dispute (id, customer_id, invoice_id, reason, source)
SELECT gen_random_uuid(), s.customer_id, s.invoice_id, '', 'import' FROM ledger_staging s
WHERE s.disputed AND NOT s.is_credit AND NOT EXISTS (
    SELECT FROM customer_invoice_dispute d WHERE d.invoice_id = s.invoice_id AND d.closed_at IS NULL
)
"""
_CLOSE_DISPUTES = """
UPDATE customer_invoice_dispute d SET closed_at = clock_timestamp() FROM ledger_staging s
WHERE d.invoice_id = s.invoice_id AND d.closed_at IS NULL AND d.source = 'import'
    AND (s.is_credit OR s.disputed IS FALSE)
"""
_TOTALS = """
SELECT count(*) FILTER (WHERE NOT is_credit) AS invoices, count(*) FILTER (WHERE is_credit) AS credits
FROM ledger_staging
"""
_NAMED = "SELECT count(*) AS customers, count(*) FILTER (WHERE spellings > 1) AS several FROM ledger_customers"


class Merged(NamedTuple):
    counts: Counts = Counts()
    customers: int = 0
    """Customers that the staged rows name …"""
    several_spellings: int = 0
    """… and how many of them under more than one name."""


def merge(act: Act, left_out: Missing | None = None) -> Merged:
    """Bring the staged rows into the ledger, and close what `left_out` says they leave out (`missing.find`).

    Then the credit limits of everybody whose amounts, limit or family changed are judged. Never touches `entitystatus`:
    a ledger is no one's decision about a customer.
    """
    session = act.session

    def run(statement: str) -> int:
        return session.execute(text(statement)).rowcount  # type: ignore[attr-defined,no-any-return]

    run(_CUSTOMERS)
    touched.create(session)
    named = session.execute(text(_NAMED)).one()
    reps = run(_REPS)
    run(_LINK_REPS)
    run(_LET_GO)
    customers_inserted = run(_INSERT_CUSTOMERS)
    customers_updated = run(_UPDATE_CUSTOMERS)
    moved = written(session, _CREDITS_GONE) + written(session, _INVOICES_GONE) + written(session, _INVOICES_CLOSED)
    invoices_updated, invoices_inserted = written(session, _UPDATE_INVOICES), written(session, _INSERT_INVOICES)
    credits_updated, credits_inserted = written(session, _UPDATE_CREDITS), written(session, _INSERT_CREDITS)
    run(_MOVE_DISPUTES)
    closed = missing.close(session, left_out) if left_out else missing.Closed()
    totals = session.execute(text(_TOTALS)).one()
    items = invoices_inserted + invoices_updated + credits_inserted + credits_updated
    if items + closed.invoices + closed.credits >= ANALYZE_FROM:
        run(f"ANALYZE {ANALYZED}")
    run("ANALYZE ledger_touched")
    credit_limits.lock(session, None)
    limits = run(_LIMITS)
    crossed = credit_limits.evaluate(act, None, cause=LimitCause.IMPORT)
    counts = Counts(
        customers_inserted=customers_inserted,
        customers_updated=customers_updated,
        sales_reps_inserted=reps,
        credit_limits_changed=limits,
        invoices_inserted=invoices_inserted,
        invoices_updated=invoices_updated,
        invoices_unchanged=totals.invoices - invoices_updated - invoices_inserted,
        credits_inserted=credits_inserted,
        credits_updated=credits_updated,
        credits_unchanged=totals.credits - credits_updated - credits_inserted,
        moved=moved,
        disputes_closed=run(_CLOSE_DISPUTES) + closed.disputes,
        disputes_opened=run(_OPEN_DISPUTES),
        invoices_closed=closed.invoices,
        credits_closed=closed.credits,
        amount_closed=closed.amount,
        limits_crossed=len(crossed),
        credit_holds_applied=sum(one.applied for one in crossed),
        credit_holds_lifted=sum(one.lifted for one in crossed),
    )
    return Merged(counts, named.customers, named.several)
