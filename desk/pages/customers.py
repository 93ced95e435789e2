"""`/customers`: search, and one customer's receivables and holds."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from db.repositories import customers
from desk.pages.book import open_book
from desk.pages.common import Desk, Viewer
from desk.rendering import part, render
from desk.surroundings import in_transaction

router = APIRouter(include_in_schema=False)

PAGE = 25


@router.get("/customers")
async def search(request: Request, desk: Desk, _: Viewer, q: str = "", after: str | None = None) -> Response:
    """Show customers whose name or id contains `q`; the rows alone while somebody types."""
    rows = await in_transaction(desk, lambda session: customers.search(session, q[:100], after=after, limit=PAGE + 1))
    more = rows[PAGE - 1].customer.id if len(rows) > PAGE else None
    if "hx-request" in request.headers:
        return part(request, "customers_found.html", q=q, found=rows[:PAGE], more=more)
    return render(request, "customers.html", q=q, found=rows[:PAGE], more=more)


@router.get("/customers/{customer_id:path}")
async def show(request: Request, customer_id: str, desk: Desk, _: Viewer) -> Response:
    """Show one customer."""
    book = await in_transaction(desk, lambda session: open_book(session, customer_id, datetime.now(UTC)))
    return render(request, "customer.html", book=book)
