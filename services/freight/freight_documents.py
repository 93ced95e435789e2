"""Rates, tariffs, orders and loads as JSON documents: amounts are strings, times ISO 8601 UTC."""

from collections.abc import Iterable, Sequence

from credit.rating import Rate
from db.models import Load, Order, Tariff
from services.answers import Document, utc


def rate(found: Rate) -> Document:
    """Return what one tariff asks on one lane; an empty origin or destination stands for any."""
    return {**found._asdict(), "amount": str(found.amount)}


def tariffs(rows: Iterable[Tariff], rates: Sequence[Rate]) -> list[Document]:
    """Return tariffs with all their lanes."""
    lanes: dict[str, list[Document]] = {}
    for one in rates:
        line = {"origin": one.origin, "destination": one.destination, "amount": str(one.amount)}
        lanes.setdefault(one.tariff, []).append({**line, "transit_days": one.transit_days})
    return [
        {
            "code": row.code,
            "name": row.name,
            "currency": row.currency,
            "rates": lanes.get(row.code, []),
            "updated_by": row.updated_by,
            "updated_at": utc(row.updated_at),
        }
        for row in rows
    ]


def order(row: Order) -> Document:
    """Return an order; its amount is in the ledger's currency."""
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "status": row.status,
        "amount": str(row.amount),
        "prepaid": row.prepaid,
        "lines": row.lines,
        "created_by": row.created_by,
        "created_at": utc(row.created_at),
        "closed_at": utc(row.closed_at),
    }


def load(row: Load) -> Document:
    """Return a load; `next` is the status after this one, null for a delivered load."""
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "status": row.status,
        "next": row.status.following,
        "tariff": row.tariff,
        "origin": row.origin,
        "destination": row.destination,
        "created_by": row.created_by,
        "created_at": utc(row.created_at),
        "advanced_at": utc(row.advanced_at),
    }
