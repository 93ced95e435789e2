"""Customers as JSON documents."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from credit.states import OPEN_HOLD
from db import policies
from db.holds import holds
from db.models import Customer, Hold
from db.receivables import receivables
from db.receivables.receivables import Candidate
from services.answers import Document
from services.holds.documents import facts_document, hold_list


def summary(found: Customer, hold: Hold | None) -> Document:
    """Return what a list shows of a customer, with its open hold."""
    return {
        "id": found.id,
        "name": found.name,
        "entitystatus": found.entitystatus,
        "netsuite_id": found.netsuite_id,
        "hold": {"id": str(hold.id), "status": hold.status} if hold else None,
    }


def whole(session: Session, found: Customer, now: datetime) -> Document:
    """Return a customer with what it owes today and its newest holds."""
    _, in_force = policies.current(session)
    facts = receivables.read_facts(session, found.id, now.date(), in_force)
    rows = holds.of_customer(session, found.id)
    rep = found.sales_rep
    return summary(found, next((hold for hold in rows if hold.status in OPEN_HOLD), None)) | {
        "email": found.email,
        "sales_rep": {"name": rep.name, "email": rep.email} if rep else None,
        "facts": facts_document(facts),
        "holds": hold_list(session, rows)["holds"],
    }


def candidates(as_of: date, found: Sequence[Candidate]) -> Document:
    """Return whom AR aging would propose."""
    rows = [
        {
            "customer_id": one.customer_id,
            "customer_name": one.customer_name,
            "total_open": str(one.facts.total_open),
            "days_overdue": one.facts.days_overdue,
            "warnings": one.warnings,
            "prior_holds": one.facts.prior_holds,
        }
        for one in found
    ]
    return {"as_of": as_of.isoformat(), "candidates": rows}
