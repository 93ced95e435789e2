"""Exposures summed up set by set, under the locks of the accounts' profiles: `credit/exposure.py` carried out in SQL.

What counts, and when a limit is exceeded (`credit.credit_limit.state_of`), is said there and repeated here.

The profiles are locked in the order of ids before anything is summed up. Whoever needs other locks takes them first:
a hold's, then invoices', then the profiles'; the audit chain of the system comes last.
"""

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from credit.policy import Policy

_NAMED = "SELECT DISTINCT unnest(CAST(:ids AS text[])) AS id"
_IMPORTED = "SELECT customer_id AS id FROM ledger_touched"
_ALL = "SELECT customer_id AS id FROM accounting_profiles"

_ALONE = "accounts AS (SELECT id FROM asked), members AS (SELECT id AS account, id FROM accounts)"
_TOGETHER = """
accounts AS (
    SELECT id FROM asked
    UNION SELECT c.parent_id FROM accounts a JOIN customers c ON c.id = a.id WHERE c.parent_id IS NOT NULL
), members AS (
    SELECT id AS account, id FROM accounts
    UNION SELECT m.account, c.id FROM members m JOIN customers c ON c.parent_id = m.id
)"""
_ENSURE = """
INSERT INTO accounting_profiles (customer_id)
SELECT id FROM accounts a WHERE NOT EXISTS (SELECT FROM accounting_profiles p WHERE p.customer_id = a.id) ORDER BY id
ON CONFLICT (customer_id) DO NOTHING
"""
_LOCK = """
SELECT count(*) FROM (
    SELECT 1 FROM accounting_profiles WHERE customer_id IN (SELECT id FROM accounts) ORDER BY customer_id FOR UPDATE
) AS locked
"""
_JUDGED = """
, amounts AS (
    SELECT m.account, i.amount_open AS amount FROM members m JOIN invoices i ON i.customer_id = m.id
    WHERE i.amount_open > 0
    UNION ALL
    SELECT m.account, -c.amount_unapplied FROM members m JOIN credits c ON c.customer_id = m.id
    UNION ALL
    SELECT m.account, o.amount FROM members m JOIN orders o ON o.customer_id = m.id
    WHERE :count_orders AND o.status = 'open' AND NOT o.prepaid
), exposures AS (
    SELECT a.id, coalesce(sum(s.amount), 0) AS exposure FROM accounts a LEFT JOIN amounts s ON s.account = a.id
    GROUP BY a.id
), judged AS (
    SELECT p.customer_id, p.limit_state AS before, p.credit_limit, e.exposure,
        CASE WHEN e.exposure > p.credit_limit THEN 'exceeded' ELSE 'acceptable' END AS after
    FROM exposures e JOIN accounting_profiles p ON p.customer_id = e.id
), changed AS (
    UPDATE accounting_profiles p SET limit_state = j.after, exposure = j.exposure,
        overridden_at = CASE WHEN j.after = 'exceeded' THEN p.overridden_at END,
        overridden_by = CASE WHEN j.after = 'exceeded' THEN p.overridden_by END,
        override_reason = CASE WHEN j.after = 'exceeded' THEN p.override_reason END
    FROM judged j
    WHERE p.customer_id = j.customer_id AND (p.limit_state, p.exposure) IS DISTINCT FROM (j.after, j.exposure)
    RETURNING j.*
)
"""
_MOVED = "SELECT count(*) FROM changed WHERE before <> after"


class Accounts(NamedTuple):
    """Whose exposures are looked at, and how they are summed up."""

    ids: Collection[str] | None
    """Whose amounts, limits or family changed; None for whom the import under way touched."""
    policy: Policy

    @property
    def with_accounts(self) -> str:
        """The start of a statement: `accounts` are those whose exposure may have changed, `members` count into it."""
        asked = _IMPORTED if self.ids is None else _NAMED
        return f"WITH RECURSIVE asked AS ({asked}), {_family(self.policy)}"

    @property
    def with_changed(self) -> str:
        """The start of a statement that brings profiles up to date: `changed` are those that were not.

        Its columns are `customer_id`, `before`, `after` (limit states), `credit_limit` and `exposure`.
        """
        return self.with_accounts + _JUDGED

    @property
    def values(self) -> dict[str, Any]:
        named = {} if self.ids is None else {"ids": sorted(self.ids)}
        return {"count_orders": self.policy.exposure_counts_open_orders, **named}


@cache
def sql(statement: str) -> TextClause:
    """Return a statement ready to be executed: there are few, and each is looked through for its parameters once."""
    return text(statement)


def lock(session: Session, accounts: Accounts) -> None:
    """Lock the accounts' profiles until the transaction ends, making them first where there are none.

    With families taken together that locks the parents' too, so that nobody locks a child first and then its parent.
    """
    session.flush()
    for statement in (_ENSURE, _LOCK):
        session.execute(sql(accounts.with_accounts + statement), accounts.values)


def judge_all_anew(session: Session, policy: Policy) -> int:
    """Bring every profile up to date with another definition of exposure; returns how many limit states it moved.

    Nothing of a customer changed, so no limit was crossed: nothing is applied or lifted, and the next change is
    compared with the state by the new definition.
    """
    session.execute(text("SELECT count(*) FROM (SELECT 1 FROM accounting_profiles ORDER BY customer_id FOR UPDATE) p"))
    head = f"WITH RECURSIVE asked AS ({_ALL}), {_family(policy)}"
    values = {"count_orders": policy.exposure_counts_open_orders}
    return int(session.execute(text(head + _JUDGED + _MOVED), values).scalar_one())


def _family(policy: Policy) -> str:
    return _TOGETHER if policy.family_accounts_together else _ALONE
