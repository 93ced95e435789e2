"""The edge of a credit limit, set by set: the rules of `credit/credit_limit.py` carried out in SQL.

`_CROSSED` is its `is_crossed` and `consequence`.

Whoever changes an invoice, a credit, an order, a limit or a family calls `evaluate` in the same transaction, after it.
The profiles are locked first (`exposures`), so that of two postings at the same moment the second one sees the first
one's amount, and a limit is crossed once.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from credit.audit_entries.freight import BLOCK_LIFTED, LIMIT_CROSSED
from credit.credit_hold import BlockSource, CreditStatus
from credit.credit_limit import LimitCause, LimitState, crossing
from db import exempt, policies
from db.act import Act
from db.freight import exposures
from db.freight.exposures import Accounts
from db.models import AccountingProfile

_OF_CUSTOMER = "customer/"


class Transition(NamedTuple):
    """A customer whose limit was crossed: from acceptable to exceeded, or back."""

    customer_id: str
    after: LimitState
    exposure: Decimal
    credit_limit: Decimal | None
    applied: bool
    """Whether auto-apply put it on credit hold."""
    lifted: bool

    @property
    def note(self) -> str:
        """What was crossed, in words."""
        return crossing(self.after, self.credit_limit, self.exposure)

    @property
    def done(self) -> str:
        """What came of it, for the record."""
        return CreditStatus.CREDIT_HOLD if self.applied else BLOCK_LIFTED if self.lifted else "nothing applied"


_IS_EXEMPT = exempt.as_text("c.customer_id", ":now")
_CROSSED = f"""
INSERT INTO limit_transitions (id, customer_id, after, exposure, credit_limit, cause, actor, at, applied, lifted)
SELECT gen_random_uuid(), c.customer_id, c.after, c.exposure, c.credit_limit, :cause, :actor, :now,
    o.auto_apply_credit_hold AND c.after = 'exceeded' AND NOT {_IS_EXEMPT},
    o.auto_lift_credit_hold AND c.after = 'acceptable' AND EXISTS (
        SELECT FROM credit_hold_entries e WHERE e.customer_id = c.customer_id AND e.source = 'auto_apply'
            AND e.hold_id IS NULL AND e.ended_at IS NULL
    )
FROM changed c JOIN customers k ON k.id = c.customer_id JOIN org_settings o ON o.organisation = k.organisation
WHERE c.before <> c.after
ORDER BY c.customer_id
RETURNING customer_id, after, exposure, credit_limit, applied, lifted
"""  # noqa: S608 (the rule of exemptions is our own text)
_STANDING = f"""
INSERT INTO limit_transitions (id, customer_id, after, exposure, credit_limit, cause, actor, at, applied, lifted)
SELECT gen_random_uuid(), c.customer_id, c.limit_state, c.exposure, c.credit_limit, :cause, :actor, :now, true, false
FROM accounting_profiles c
JOIN customers k ON k.id = c.customer_id JOIN org_settings o ON o.organisation = k.organisation
CROSS JOIN LATERAL (
    SELECT t.after, t.applied, t.at, t.proposed_at FROM limit_transitions t WHERE t.customer_id = c.customer_id
    ORDER BY t.at DESC LIMIT 1
) last
CROSS JOIN LATERAL (
    SELECT count(*) AS applied, count(*) FILTER (WHERE e.hold_id IS NULL) AS own FROM credit_hold_entries e
    WHERE e.customer_id = c.customer_id AND e.source = 'auto_apply' AND e.ended_at IS NULL
) live
WHERE c.customer_id = ANY (:ids) AND c.limit_state = 'exceeded' AND c.overridden_at IS NULL AND last.after = 'exceeded'
    AND o.auto_apply_credit_hold AND NOT {_IS_EXEMPT}
    AND CASE
        WHEN live.own > 0 THEN CAST(:ask_again AS boolean) AND last.proposed_at IS NOT NULL
        WHEN last.applied THEN live.applied = 0
        ELSE EXISTS (
            SELECT FROM exemptions x WHERE x.customer_id = c.customer_id AND x.created_at <= last.at
                AND x.until >= (last.at AT TIME ZONE 'UTC')::date AND (x.ended_at IS NULL OR x.ended_at >= last.at)
        )
    END
ORDER BY c.customer_id
RETURNING customer_id, after, exposure, credit_limit, applied, lifted
"""  # noqa: S608 (the rule of exemptions is our own text)
_APPLY = """
INSERT INTO credit_hold_entries (id, customer_id, source, note, created_by, created_at)
SELECT gen_random_uuid(), c.id, 'auto_apply', c.note, :actor, :now
FROM unnest(CAST(:ids AS text[]), CAST(:notes AS text[])) AS c (id, note)
ON CONFLICT (customer_id, source) WHERE ended_at IS NULL AND tariffs IS NULL AND hold_id IS NULL DO NOTHING
"""
_LIFT = """
UPDATE credit_hold_entries e SET ended_at = :now, ended_by = :actor, end_reason = c.note
FROM unnest(CAST(:ids AS text[]), CAST(:notes AS text[])) AS c (id, note)
WHERE e.customer_id = c.id AND e.source = 'auto_apply' AND e.hold_id IS NULL AND e.ended_at IS NULL
"""
_DERIVE = """
UPDATE accounting_profiles p SET credit_status = s.credit_status
FROM (
    SELECT asked.id, CASE WHEN EXISTS (
        SELECT FROM credit_hold_entries e WHERE e.customer_id = asked.id AND e.ended_at IS NULL AND e.tariffs IS NULL
    ) THEN 'credit_hold' ELSE 'good' END AS credit_status
    FROM unnest(CAST(:ids AS text[])) AS asked (id)
) s
WHERE p.customer_id = s.id AND p.credit_status <> s.credit_status
"""


def evaluate(act: Act, customer_ids: Collection[str] | None, *, cause: LimitCause) -> list[Transition]:
    """Compare exposures with limits, and do what a crossing asks for. Repeated, it does nothing.

    What counts is said in `credit/exposure.py`, the rest in `credit/credit_limit.py`.

    Args:
        customer_ids: whose amounts or limits changed; None for the customers that the import under way touched.
        cause: what changed them.
    """
    accounts = lock(act.session, customer_ids)
    return _do(act, accounts.with_changed + _CROSSED, accounts.values, cause=cause)


def stand(act: Act, customer_ids: Collection[str], *, cause: LimitCause, ask_again: bool = False) -> list[Transition]:
    """Do what a crossing asked for that still stands, where something was in its way: the level behind the edge.

    A customer beyond its limit, not exempt and not overridden, is blocked and proposed where its last crossing put it
    on credit hold and an exemption lifted that, or where it crossed while exempt. Repeated, it does nothing.

    Args:
        customer_ids: for whom something ended that was in the way; their profiles are locked (`lock`).
        cause: what ended.
        ask_again: also propose once more where the block stands, and the hold that was told of it is over.
    """
    return _do(act, _STANDING, {"ids": sorted(customer_ids), "ask_again": ask_again}, cause=cause)


def _do(act: Act, statement: str, values: Mapping[str, Any], *, cause: LimitCause) -> list[Transition]:
    """Write the transitions that a statement finds, and do what they ask for."""
    said = {"cause": cause, "actor": act.actor, "now": act.now}
    crossed = act.session.execute(exposures.sql(statement), {**values, **said}).all()
    found = [Transition(row[0], LimitState(row[1]), *row[2:]) for row in crossed]
    if found:
        _carry_out(act, found, cause=cause)
    derive_status(act.session, [one.customer_id for one in found if one.applied or one.lifted])
    for row in act.session.identity_map.values():
        if isinstance(row, AccountingProfile):
            act.session.expire(row)
    return found


def lock(session: Session, customer_ids: Collection[str] | None) -> Accounts:
    """Lock the profiles that `evaluate` will look at, in its order: whoever locks one before evaluating calls this."""
    version, policy = policies.current(session)
    while True:
        accounts = Accounts(customer_ids, policy)
        exposures.lock(session, accounts)
        locked_by, (version, policy) = version, policies.newest(session)
        if version == locked_by:
            return accounts


def derive_status(session: Session, customer_ids: Collection[str]) -> None:
    """Set the credit status of profiles that are locked: credit hold while an entry blocks all tariffs, else good."""
    if customer_ids:
        session.flush()
        session.execute(text(_DERIVE), {"ids": list(customer_ids)})


def _carry_out(act: Act, crossed: list[Transition], *, cause: LimitCause) -> None:
    """Apply and lift blocks, and write it all down: as sets, for an import may cross many limits."""
    for statement, wanted in (
        (_APPLY, [one for one in crossed if one.applied]),
        (_LIFT, [one for one in crossed if one.lifted]),
    ):
        if wanted:
            values = {"ids": [one.customer_id for one in wanted], "notes": [one.note for one in wanted]}
            act.session.execute(text(statement), {**values, "actor": act.actor, "now": act.now})
    entries = {
        chain_of(one.customer_id): LIMIT_CROSSED[one.after](
            why=one.note, cause=cause, source=BlockSource.AUTO_APPLY, done=one.done
        )
        for one in crossed
    }
    act.note_each(entries)


def chain_of(customer_id: str) -> str:
    """Return the audit chain of what happens to a customer: to its profile, its orders, its events without a hold."""
    return f"{_OF_CUSTOMER}{customer_id}"


def customer_of_chain(chain: str) -> str | None:
    """Return the customer whose profile's chain this is; None for another chain."""
    return chain.removeprefix(_OF_CUSTOMER) if chain.startswith(_OF_CUSTOMER) else None
