"""Accounting profiles, Credit Hold pages and organisations as JSON documents, for the CLI and the desk alike."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from credit import credit_limit
from credit.credit_hold import BLOCK_ALL_TARIFFS
from db import customers, policies
from db.freight import accounting_profiles, tariffs
from db.models import AccountingProfile, CreditHoldEntry, OrgSettings
from services.answers import Document, utc


def profile(session: Session, customer_id: str) -> Document:
    """Return a customer's accounting profile with the live entries of its Credit Hold page. Amounts are strings.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    customer = customers.get(session, customer_id)
    row = accounting_profiles.get(session, customer_id)
    return {
        "customer_id": customer_id,
        "credit_status": row.credit_status,
        "credit_status_label": row.credit_status.label,
        "credit_limit": _money(row.credit_limit),
        "limit_state": row.limit_state,
        "exposure": _money(row.exposure),
        "available": _money(credit_limit.available(row.credit_limit, row.exposure)),
        "currency": policies.current(session)[1].ledger_currency,
        "organisation": customer.organisation,
        "parent_id": customer.parent_id,
        "override": _override(row),
        **entries(session, customer_id),
    }


def entries(session: Session, customer_id: str) -> Document:
    """Return `{"entries": […]}`: the live entries of a Credit Hold page, the oldest first."""
    return {"entries": [entry(row) for row in accounting_profiles.entries(session, customer_id)]}


def entry(row: CreditHoldEntry) -> Document:
    """Return one entry; `tariffs` is null for all of them."""
    return {
        "id": str(row.id),
        "customer_id": row.customer_id,
        "label": label(row),
        "all_tariffs": row.tariffs is None,
        "tariffs": row.tariffs,
        "note": row.note,
        "source": row.source,
        "hold_id": str(row.hold_id) if row.hold_id else None,
        "created_by": row.created_by,
        "created_at": utc(row.created_at),
    }


def label(row: CreditHoldEntry) -> str:
    """Return what an entry blocks, in the freight spec's words."""
    return BLOCK_ALL_TARIFFS if row.tariffs is None else ", ".join(row.tariffs)


def unknown_tariffs(session: Session, row: CreditHoldEntry) -> list[str]:
    """Return a warning where an entry names tariffs that do not exist: they are blocked all the same."""
    there = tariffs.codes(session)
    unknown = [code for code in row.tariffs or () if code not in there]
    if not unknown:
        return []
    return [f"no tariff is called {', '.join(unknown)}; there are {', '.join(there) or 'none'}"]


def organisation(row: OrgSettings) -> Document:
    """Return one organisation's settings."""
    return {
        "organisation": row.organisation,
        "auto_apply_credit_hold": row.auto_apply_credit_hold,
        "auto_lift_credit_hold": row.auto_lift_credit_hold,
        "language": row.language,
        "version": row.version,
        "updated_by": row.updated_by,
        "updated_at": utc(row.updated_at),
    }


def organisations(rows: Sequence[OrgSettings]) -> Document:
    """Return `{"organisations": […]}`."""
    return {"organisations": [organisation(row) for row in rows]}


def _override(row: AccountingProfile) -> Document | None:
    if row.overridden_at is None:
        return None
    return {"at": utc(row.overridden_at), "by": row.overridden_by, "reason": row.override_reason}


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"
