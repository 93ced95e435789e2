"""What the eligibility rule looks at: one query on the hot path, every part of it by an index."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from credit.credit_hold import BlockSource
from credit.eligibility import Block, Standing
from credit.outcomes import ExceptionScope, day_ends
from credit.policy import Policy
from credit.states import EntityStatus
from db.errors import UnknownCustomerError
from db.models import Customer, Hold, OrgSettings, SalesRep

STANDING = text("""
WITH RECURSIVE policy AS (
    SELECT settings FROM policies ORDER BY version DESC LIMIT 1
), family AS (
    SELECT id AS root, id, parent_id FROM customers WHERE id = ANY(:customer_ids)
    UNION SELECT f.root, c.id, c.parent_id FROM family f JOIN customers c ON c.id = f.parent_id
    WHERE (SELECT settings ->> 'family_accounts_together' FROM policy)::boolean
)
SELECT k.id, k.entitystatus, (SELECT settings FROM policy) AS policy,
    (
        SELECT json_agg(json_build_object('id', e.id, 'customer_id', e.customer_id, 'source', e.source,
            'tariffs', e.tariffs, 'note', e.note, 'hold_id', e.hold_id, 'since', e.created_at)
            ORDER BY e.created_at, e.id)
        FROM credit_hold_entries e
        WHERE e.customer_id IN (SELECT id FROM family WHERE root = k.id) AND e.ended_at IS NULL
            AND (e.customer_id = k.id OR e.tariffs IS NULL)
    ) AS blocks,
    (
        SELECT max(x.until) FROM hold_exceptions x JOIN holds h ON h.id = x.hold_id
        WHERE :reference <> '' AND h.customer_id IN (SELECT id FROM family WHERE root = k.id) AND h.closed_at IS NULL
            AND x.scope = :scope AND x.reference = :reference AND x.ended_at IS NULL
    ) AS excepted_until
FROM customers k WHERE k.id = ANY(:customer_ids)
""")


def read(
    session: Session,
    customer_id: str,
    now: datetime,
    *,
    scope: ExceptionScope = ExceptionScope.ORDER,
    reference: str = "",
) -> tuple[Standing, Policy]:
    """Return what the rule looks at, with the policy in force, by one query.

    Args:
        now: against which exceptions run out.
        scope: whether `reference` is an order's or a load's id.
        reference: the order or load that an exception may let through; empty for none.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    values = {"customer_ids": [customer_id], "reference": reference, "scope": scope}
    row = session.execute(STANDING, values).one_or_none()
    if row is None:
        raise UnknownCustomerError(customer_id)
    policy = Policy.stored(row.policy)
    excepted = row.excepted_until is not None and now < day_ends(row.excepted_until, policy.calendar)
    return Standing(customer_id, EntityStatus(row.entitystatus), _blocks(row), excepted), policy


def blocks_of(session: Session, customer_ids: Collection[str]) -> dict[str, list[Block]]:
    """Return what blocks each of these customers, the oldest first; one that is not known is left out."""
    values = {"customer_ids": list(customer_ids), "reference": "", "scope": ExceptionScope.ORDER}
    return {row.id: _blocks(row) for row in session.execute(STANDING, values)}


def causes_besides(session: Session, hold: Hold, now: datetime) -> list[Block]:
    """Return what keeps the customer on credit hold besides this service hold, the oldest cause first."""
    standing, _ = read(session, hold.customer_id, now)
    return [block for block in standing.blocks if block.tariffs is None and block.hold_id != hold.id]


class Addressee(NamedTuple):
    """Who a refusal is about, and whose template says it in which language."""

    customer_name: str
    rep_name: str
    """Empty where no sales rep is known."""
    organisation: str
    language: str


def addressee(session: Session, customer_id: str) -> Addressee:
    """Return what a refusal's message names.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    row = session.execute(
        select(Customer.name, SalesRep.name, Customer.organisation, OrgSettings.language)
        .join(OrgSettings, OrgSettings.organisation == Customer.organisation)
        .outerjoin(SalesRep, SalesRep.id == Customer.sales_rep_id)
        .where(Customer.id == customer_id)
    ).one_or_none()
    if row is None:
        raise UnknownCustomerError(customer_id)
    name, rep_name, organisation, language = row
    return Addressee(name, rep_name or "", organisation, language)


def _blocks(row: Any) -> list[Block]:
    return [_block(found) for found in row.blocks or ()]


def _block(found: dict[str, Any]) -> Block:
    return Block(
        id=UUID(found["id"]),
        customer_id=found["customer_id"],
        source=BlockSource(found["source"]),
        tariffs=tuple(found["tariffs"]) if found["tariffs"] is not None else None,
        note=found["note"],
        hold_id=UUID(found["hold_id"]) if found["hold_id"] else None,
        since=datetime.fromisoformat(found["since"]).astimezone(UTC),
    )
