"""The customers an import touched: those whose amounts, limit or family is other than before."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_CREATE = """
CREATE TEMP TABLE ledger_touched (customer_id text PRIMARY KEY) ON COMMIT DROP;
INSERT INTO ledger_touched
SELECT f.id FROM ledger_customers f LEFT JOIN accounting_profiles p ON p.customer_id = f.id
WHERE f.credit_limit IS NOT NULL AND f.credit_limit IS DISTINCT FROM p.credit_limit
UNION
SELECT moved.id FROM customers c JOIN ledger_customers f ON f.id = c.id, unnest(ARRAY[c.id, c.parent_id]) AS moved (id)
WHERE c.parent_id IS DISTINCT FROM f.parent_id AND moved.id IS NOT NULL;
"""
"""Who leaves a family touches the one it leaves; the one it joins is found from there."""
_WRITTEN = """
WITH written AS ({statement} RETURNING old.customer_id AS before, new.customer_id AS after), touched AS (
    INSERT INTO ledger_touched
    SELECT before FROM written WHERE before IS NOT NULL UNION SELECT after FROM written WHERE after IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM written
"""


def create(session: Session) -> None:
    """Make the table, with whose limits and families are going to change. Before customers are written."""
    session.execute(text(_CREATE))


def written(session: Session, statement: str) -> int:
    """Execute one statement on rows of customers, note whose they were and are, and return how many it wrote."""
    return int(session.execute(text(_WRITTEN.format(statement=statement))).scalar_one())
