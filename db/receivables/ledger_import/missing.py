"""A file that is the whole ledger closes what it leaves out: found, weighed and closed as sets."""

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.receivables.ledger_import.report import Missing
from db.receivables.ledger_import.touched import written

_FIND = """
CREATE TEMP TABLE ledger_missing ON COMMIT DROP AS
SELECT o.id, o.is_credit, o.amount
FROM (
    SELECT id, false AS is_credit, amount_open AS amount FROM invoices WHERE amount_open > 0
    UNION ALL
    SELECT id, true, amount_unapplied FROM credits WHERE amount_unapplied > 0
) AS o
WHERE NOT EXISTS (SELECT FROM ledger_staging s WHERE s.invoice_id = o.id)
"""
_WEIGH = """
SELECT m.*, i.items + c.items AS open_items, i.amount + c.amount AS open_amount
FROM (
    SELECT count(*) FILTER (WHERE NOT is_credit) AS invoices, count(*) FILTER (WHERE is_credit) AS credits,
        coalesce(sum(amount), 0.00) AS amount
    FROM ledger_missing
) AS m,
(SELECT count(*) AS items, coalesce(sum(amount_open), 0.00) AS amount FROM invoices WHERE amount_open > 0) AS i,
(SELECT count(*) AS items, coalesce(sum(amount_unapplied), 0.00) AS amount FROM credits WHERE amount_unapplied > 0) AS c
"""
_CLOSE_INVOICES = """
UPDATE invoices i SET amount_open = 0, source_amount = 0 FROM ledger_missing m WHERE m.id = i.id AND NOT m.is_credit
"""
_CLOSE_CREDITS = """
UPDATE credits c SET amount_unapplied = 0, source_amount = 0 FROM ledger_missing m WHERE m.id = c.id AND m.is_credit
"""
_CLOSE_DISPUTES = """
UPDATE customer_invoice_dispute d SET closed_at = clock_timestamp() FROM ledger_missing m
WHERE m.id = d.invoice_id AND NOT m.is_credit AND d.closed_at IS NULL AND d.source = 'import'
"""


class Closed(NamedTuple):
    invoices: int = 0
    credits: int = 0
    disputes: int = 0
    amount: Decimal = Decimal("0.00")
    """Of invoices and credits, in the ledger's currency."""


def find(session: Session) -> Missing:
    """Note which open invoices and credits of the ledger have no staged row, and how much of the ledger they are.

    Call it before the staged rows are merged, with the ledger locked: the shares are those of the ledger as it was.
    """
    session.execute(text(_FIND))
    return Missing(**session.execute(text(_WEIGH)).one()._asdict())


def refusal(missing: Missing, *, most: Decimal, told: int | None, currency: str) -> str | None:
    """Say why the missing items are not to be closed; None where they are.

    Args:
        missing: what the file leaves out.
        most: share of the open items, and of the open amount, up to which they are closed unasked.
        told: how many the caller said would be closed; then it must be exactly as many, few or not. That nothing is
            missing (any more) contradicts nobody, so that a command given twice does nothing the second time.
    """
    few = missing.items <= most * missing.open_items and missing.amount <= most * missing.open_amount
    if missing.items in (0, told) or (told is None and few):
        return None
    why = f"more than {most.normalize():%} of the ledger" if told is None else f"not {told:,}"
    return (
        f"the file leaves out {missing.items:,} of {missing.open_items:,} open items, "
        f"{missing.amount:,.2f} of {missing.open_amount:,.2f} {currency}: {why}. "
        f"Where all of these are settled, close them with --close-missing {missing.items}"
    )


def close(session: Session, missing: Missing) -> Closed:
    """Close what `find` noted and returned. A dispute that a person opened stays open, for that person to close."""
    items = written(session, _CLOSE_INVOICES), written(session, _CLOSE_CREDITS)
    disputes = session.execute(text(_CLOSE_DISPUTES)).rowcount  # type: ignore[attr-defined]
    return Closed(*items, disputes, missing.amount)
