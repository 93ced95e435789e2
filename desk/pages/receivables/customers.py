"""`/customers`: search, and one customer's receivables, holds, promises, predicted risk and exemption."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db import customers
from db.receivables import customer_page, exemptions, payment_plans
from desk.flashes import see_other
from desk.pages.common import Desk, PolicyMaker, Reason, Viewer, needed_day
from desk.pages.freight.accounting_profile import address_of, read_accounting
from desk.pages.receivables.book import open_book
from desk.rendering import part, render, render_live
from desk.surroundings import in_transaction
from services.freight.answers import label
from services.receivables import exemptions as exemption_service
from services.receivables.answers import CustomerList

router = APIRouter(include_in_schema=False)

PAGE = 25

Typed = Annotated[str, Form(max_length=2000)]


@router.get("/customers")
async def search(request: Request, desk: Desk, _: Viewer, q: str = "", after: str | None = None) -> Response:
    """Show customers whose name or id contains `q`; the rows alone while somebody types."""

    def read(session: Session) -> CustomerList:
        rows = customers.search(session, q, after=after, limit=PAGE + 1)
        more = rows[PAGE - 1].customer.id if len(rows) > PAGE else None
        return CustomerList.of(session, rows[:PAGE], datetime.now(UTC), more)

    found = await in_transaction(desk, read)
    if "hx-request" in request.headers:
        return part(request, "receivables/customers_found.html", q=q, found=found)
    return render(request, "receivables/customers.html", q=q, found=found)


@router.get("/customers/{customer_id:path}")
async def show(request: Request, customer_id: str, desk: Desk, _: Viewer) -> Response:
    now = datetime.now(UTC)

    def read(session: Session) -> dict[str, Any]:
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
    return render_live(request, "receivables/customer.html", address=address_of(customer_id), every=15, **shown)


@router.post("/customers/{customer_id:path}/exemption/end")
async def end_exemption(customer_id: str, desk: Desk, who: PolicyMaker, reason: Reason) -> Response:
    await exemption_service.end(desk.engine, who, customer_id, reason=reason)
    return see_other(address_of(customer_id), "exemption_ended")


@router.post("/customers/{customer_id:path}/exemption")
async def grant_exemption(
    customer_id: str, desk: Desk, who: PolicyMaker, reason: Reason, until: Typed = "", owner: Typed = ""
) -> Response:
    day = needed_day(until, "the last day of the exemption")
    granted = await exemption_service.grant(desk.engine, who, customer_id, until=day, reason=reason, owner=owner)
    return see_other(address_of(customer_id), "exemption_granted_on_hold" if granted.kept_by else "exemption_granted")
