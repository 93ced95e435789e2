"""`/loads`: what the back office does with loads, and where a hold stops it: at Committed (freight spec)."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from credit.credit_hold import LoadStatus
from db.errors import BadInputError, RefusedError, UnknownCustomerError
from desk import paging
from desk.flashes import see_other
from desk.pages.common import Desk, LoadMover, Viewer, refused
from desk.pages.filters import Filter
from desk.pages.freight import common as freight
from desk.rendering import render
from desk.surroundings import Surroundings

router = APIRouter(include_in_schema=False)

PAGE = 25

Asked = Annotated[str, Query(max_length=200)]
Typed = Annotated[str, Form(max_length=200)]


@router.get("/loads")
async def show(request: Request, desk: Desk, _: Viewer, customer: Asked = "", cursor: paging.Cursor = None) -> Response:
    """List loads, the newest first, of one customer or of all."""
    return await _page(request, desk, customer=customer.strip(), cursor=cursor)


@router.post("/loads")
async def create(
    desk: Desk, who: LoadMover, customer_id: Typed = "", tariff: Typed = "", origin: Typed = "", destination: Typed = ""
) -> Response:
    """Make a load: a held customer's too, since a hold stops it at Committed."""
    if not customer_id.strip():
        raise BadInputError("name the customer whose load it is")
    lane = {"origin": origin.strip(), "destination": destination.strip()}
    await desk.freight.create_load(customer_id.strip(), actor=who.name, tariff=tariff or None, **lane)
    return see_other("/loads", "load_made")


@router.post("/loads/{load_id:path}/advance")
async def advance(
    request: Request, load_id: str, desk: Desk, who: LoadMover, expected: Annotated[LoadStatus, Form()]
) -> Response:
    try:
        await desk.freight.advance_load(load_id, actor=who.name, expected=expected)
    except RefusedError as error:
        return await _page(request, desk, error=error)
    return see_other("/loads", "load_advanced")


async def _page(
    request: Request,
    desk: Surroundings,
    *,
    customer: str = "",
    cursor: str | None = None,
    error: RefusedError | None = None,
) -> Response:
    key, asked = paging.moment_and(str, cursor), Filter(customer=customer)
    status = await refused(request, error) if error else 200
    try:
        found = await desk.freight.loads(customer or None, after=key, limit=PAGE + 1)
    except UnknownCustomerError as unknown:
        found, status, asked.wrong["customer"] = [], unknown.status, unknown.said
    page, more = paging.cut(found, PAGE, lambda row: [row.created_at.isoformat(), row.id])
    return render(
        request,
        "freight/loads.html",
        status,
        loads=page,
        more=more,
        customer=customer,
        asked=asked,
        tariffs=await freight.known_tariffs(desk),
        **freight.explained(error),
    )
