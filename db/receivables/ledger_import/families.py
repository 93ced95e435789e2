"""Which staged rows name an organisation or a parent account that cannot be: unknown ones, and circles of parents."""

UNKNOWN_ORGANISATIONS = """
SELECT s.line, s.organisation AS value,
    'no organisation ' || s.organisation || ': make it in the organisation settings first' AS reason
FROM ledger_staging s
WHERE s.organisation IS NOT NULL AND NOT EXISTS (SELECT FROM org_settings o WHERE o.organisation = s.organisation)
ORDER BY s.line
"""
UNKNOWN_PARENTS = """
SELECT s.line, s.parent_id AS value,
    'no customer ' || s.parent_id || ' to be the parent: neither in the ledger nor in this file' AS reason
FROM ledger_staging s
WHERE s.parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM customers c WHERE c.id = s.parent_id)
    AND NOT EXISTS (SELECT FROM ledger_staging p WHERE p.customer_id = s.parent_id)
ORDER BY s.line
"""
OWN_ANCESTORS = """
WITH RECURSIVE given AS (
    SELECT DISTINCT customer_id AS id, parent_id FROM ledger_staging WHERE parent_id IS NOT NULL
), parents AS (
    SELECT id, parent_id FROM given
    UNION ALL
    SELECT c.id, c.parent_id FROM customers c
    WHERE c.parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM given g WHERE g.id = c.id)
), ancestors AS (
    SELECT id, parent_id AS ancestor FROM given
    UNION SELECT a.id, p.parent_id FROM ancestors a JOIN parents p ON p.id = a.ancestor
)
SELECT s.line, s.parent_id AS value,
    'with this parent, customer ' || s.customer_id || ' would be its own ancestor' AS reason
FROM ledger_staging s JOIN ancestors a ON a.id = s.customer_id AND a.ancestor = a.id
WHERE s.parent_id IS NOT NULL ORDER BY s.line
"""
