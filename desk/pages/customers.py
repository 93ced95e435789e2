"""`/customers`: search, and one customer's receivables, holds, promises, predicted risk and exemption."""

from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db import customers
from db.errors import BadInputError, RefusedError
from db.receivables import customer_page, exemptions, payment_plans
from desk.flashes import see_other
from desk.pages.accounting_profile import read_accounting
from desk.pages.book import open_book
from desk.pages.common import Desk, PolicyMaker, Viewer, refused
from desk.rendering import part, render
from desk.surroundings import Surroundings, in_transaction
from services.freight.answers import label
from services.receivables import exemptions as exemption_service

router = APIRouter(include_in_schema=False)

PAGE = 25

Typed = Annotated[str, Form(max_length=2000)]


@router.get("/customers")
async def search(request: Request, desk: Desk, _: Viewer, q: str = "", after: str | None = None) -> Response:
    """Show customers whose name or id contains `q`; the rows alone while somebody types."""
    rows = await in_transaction(desk, customers.search, q[:100], after=after, limit=PAGE + 1)
    more = rows[PAGE - 1].customer.id if len(rows) > PAGE else None
    if "hx-request" in request.headers:
        return part(request, "customers_found.html", q=q, found=rows[:PAGE], more=more)
    return render(request, "customers.html", q=q, found=rows[:PAGE], more=more)


@router.get("/customers/{customer_id:path}")
async def show(request: Request, customer_id: str, desk: Desk, _: Viewer) -> Response:
    """Show one customer."""
    return await _page(request, desk, customer_id)


@router.post("/customers/{customer_id:path}/exemption/end")
async def end_exemption(
    request: Request, customer_id: str, desk: Desk, who: PolicyMaker, reason: Typed = ""
) -> Response:
    """End the exemption before its last day."""
    try:
        await exemption_service.end(desk.engine, who, customer_id, reason=reason)
    except RefusedError as error:
        return await _page(request, desk, customer_id, error=error)
    return see_other(f"/customers/{quote(customer_id)}", "exemption_ended")


@router.post("/customers/{customer_id:path}/exemption")
async def grant_exemption(
    request: Request,
    customer_id: str,
    desk: Desk,
    who: PolicyMaker,
    until: Typed = "",
    reason: Typed = "",
    owner: Typed = "",
) -> Response:
    """Exempt the customer from automatic holds."""
    try:
        await exemption_service.grant(desk.engine, who, customer_id, until=_day(until), reason=reason, owner=owner)
    except RefusedError as error:
        typed = {"until": until, "reason": reason, "owner": owner}
        return await _page(request, desk, customer_id, error=error, typed=typed)
    return see_other(f"/customers/{quote(customer_id)}", "exemption_granted")


async def _page(
    request: Request,
    desk: Surroundings,
    customer_id: str,
    *,
    error: RefusedError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    now = datetime.now(UTC)

    def read(session: Session) -> dict[str, object]:
        book = open_book(session, customer_id, now)
        return {
            "book": book,
            "accounting": read_accounting(session, customer_id),
            "credit_hold_label": label,
            "exemption": exemptions.active(session, customer_id, now),
            "risks": customer_page.risk_events(session, customer_id),
            "promises": customer_page.promises(session, customer_id),
            "instalments": payment_plans.instalments(session, book.plan.id) if book.plan else [],
        }

    shown = await in_transaction(desk, read)
    status = await refused(request, error) if error else 200
    fields = {"until": "", "reason": "", "owner": ""} | (typed or {})
    return render(request, "customer.html", status, problem=str(error) if error else "", typed=fields, **shown)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInputError("name the last day of the exemption, as 2027-03-31") from error
