"""`/holds/new`: propose a hold by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from db import customers
from db.customers import Found
from desk.flashes import see_other
from desk.pages.common import Desk, Reason, Requester
from desk.pages.receivables.book import open_book
from desk.rendering import part, render
from desk.surroundings import in_transaction

router = APIRouter(include_in_schema=False)

FOUND = 12
"""How many customers a search shows; more words find fewer."""


@router.get("/admin-dashboard.html")
async def old_name() -> RedirectResponse:
    """The name that the service-hold spec gives the page for starting a hold."""
    return RedirectResponse("/holds/new", 302)


@router.get("/holds/new")
async def show(
    request: Request, desk: Desk, _: Requester, q: str = "", customer: str | None = None, reason: str = ""
) -> Response:
    """Search a customer; with one chosen, show what it owes and ask for the reason, or show one that was typed."""
    book = await in_transaction(desk, open_book, customer, datetime.now(UTC)) if customer else None
    found = await _search(desk, q)
    return render(request, "holds/start.html", q=q, found=found, limit=FOUND, book=book, reason=reason[:2000])


@router.get("/holds/new/found")
async def found(request: Request, desk: Desk, _: Requester, q: str = "") -> Response:
    """The search's result alone, while somebody types."""
    return part(request, "holds/start_found.html", q=q, found=await _search(desk, q), limit=FOUND)


@router.post("/holds/new")
async def start(desk: Desk, who: Requester, customer: Annotated[str, Form()], reason: Reason) -> Response:
    started = await desk.operations.start_hold(customer, reason=reason, actor=who.name)
    return see_other(f"/holds/{started.hold_id}", "hold_started" if started.created else "evidence_added")


async def _search(desk: Desk, words: str) -> Sequence[Found]:
    if not words.strip():
        return []
    return await in_transaction(desk, customers.search, words, limit=FOUND)
