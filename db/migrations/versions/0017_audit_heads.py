"""The end of an audit chain is locked and read in one round"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # plpgsql: each statement sees what was committed when it began, so the read sees what the lock waited for.
    op.execute("""
CREATE FUNCTION lock_audit_chains(chains text[]) RETURNS TABLE (chain text, seq integer, hash text)
LANGUAGE plpgsql AS $$
BEGIN
    -- Customers' chains share 4,096 locks: an import that crosses any number of limits fits PostgreSQL's lock table.
    PERFORM pg_advisory_xact_lock(keys.key) FROM (
        SELECT DISTINCT CASE WHEN asked.chain LIKE 'customer/%' THEN abs(own % 4096) ELSE own END AS key
        FROM unnest(chains) AS asked (chain), LATERAL hashtextextended('audit:' || asked.chain, 0) AS own
        ORDER BY key
    ) AS keys;
    RETURN QUERY
        SELECT asked.chain, head.seq, head.hash::text
        FROM unnest(chains) AS asked (chain), LATERAL (
            SELECT e.seq, e.hash FROM audit_events e WHERE e.chain = asked.chain ORDER BY e.seq DESC LIMIT 1
        ) AS head;
END $$
""")


def downgrade() -> None:
    op.execute("DROP FUNCTION lock_audit_chains(text[])")
