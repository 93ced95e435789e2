"""`/rates`: what the front office shows a customer: rates, or the message that it is on hold (freight spec)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from db.errors import RefusedError
from desk.pages.common import Desk, Viewer
from desk.pages.filters import Filter
from desk.pages.freight import common as freight
from desk.rendering import render

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Query(max_length=200)]


@router.get("/rates")
async def show(
    request: Request,
    desk: Desk,
    _: Viewer,
    customer: Typed = "",
    tariff: Typed = "",
    origin: Typed = "",
    destination: Typed = "",
) -> Response:
    """Rate a lane for a customer, once one is named."""
    asked = Filter(customer=customer, tariff=tariff, origin=origin, destination=destination)
    typed, tariffs = asked.typed, await freight.known_tariffs(desk)
    asked.one_of("tariff", [one.code for one in tariffs])
    rated, refusal = None, None
    if typed["customer"] and not asked.wrong:
        try:
            lane = {"origin": typed["origin"], "destination": typed["destination"]}
            rated = await desk.freight.rates(typed["customer"], tariff=typed["tariff"] or None, **lane)
        except RefusedError as error:
            refusal = error
    return render(
        request,
        "freight/rates.html",
        refusal.status if refusal else asked.status,
        asked=asked,
        typed=typed,
        rated=rated,
        tariffs=tariffs,
        **freight.explained(refusal),
    )
