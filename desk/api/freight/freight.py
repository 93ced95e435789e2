"""The front office and the back office over HTTP: eligibility, rates, orders, loads and tariffs (freight spec)."""

from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.responses import Response
from pydantic import Field, StringConstraints, model_validator

from credit.credit_hold import LoadStatus, OrderStatus
from credit.eligibility import Action
from credit.permissions import Permission
from db.errors import (
    CustomerOnHoldError,
    LoadMovedError,
    NumberTakenError,
    OrderClosedError,
    UnknownCustomerError,
    UnknownLoadError,
    UnknownOrderError,
    UnknownTariffError,
)
from db.freight.tariffs import Lane
from db.people.tokens import Caller
from desk import paging
from desk.api.common import (
    Body,
    CustomerId,
    Desk,
    Line,
    LoadMover,
    OrderTaker,
    PolicyMaker,
    Viewer,
    Word,
    api_router,
)
from desk.gate_access import at_gate
from desk.problems import refuses
from services.freight import answers
from services.freight.gates import NoAnswerError
from services.freight.operations import OrderLine

router = api_router("front and back office")

Asker = Annotated[Caller, Depends(at_gate(Permission.LOOK))]
Place = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Word]
OfCustomer = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Only this customer's.")]
Number = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
"""A number of the caller's own for an order or a load: it is what an exception names."""
Id = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$")]


class Wanted(Body):
    """Which lane to rate, and with which tariff; all tariffs without one."""

    customer_id: Line
    tariff: Line | None = None
    origin: Place = ""
    destination: Place = ""


class NewOrder(Body):
    """An order. `id` is a number of your own, which has not been used before; without it the order gets one."""

    customer_id: Line
    lines: Annotated[list[OrderLine], Field(max_length=1000)] = Field(default_factory=list)
    prepaid: bool = False
    id: Number | None = None


class NewLoad(Body):
    """A load. `id` as for an order."""

    customer_id: Line
    tariff: Line | None = None
    origin: Place = ""
    destination: Place = ""
    id: Number | None = None


class Advance(Body):
    """From which status: a load that has moved on meanwhile is not moved again."""

    from_: Annotated[LoadStatus | None, Field(alias="from")] = None


class NewLane(Body):
    """What a tariff asks on one lane; an empty origin or destination stands for any."""

    origin: Place = ""
    destination: Place = ""
    amount: Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=2)]
    transit_days: Annotated[int, Field(ge=0, le=365)]


class NewTariff(Body):
    """A tariff, whole: lanes that are left out are gone."""

    name: Line
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
    rates: Annotated[list[NewLane], Field(max_length=10_000)]

    @model_validator(mode="after")
    def _each_lane_once(self) -> "NewTariff":
        seen: set[tuple[str, str]] = set()
        for lane in self.rates:
            key = (lane.origin.lower(), lane.destination.lower())
            if key in seen:
                raise ValueError(f"rates: {lane.origin or 'any'} to {lane.destination or 'any'} is there twice")
            seen.add(key)
        return self


@router.get("/customers/{customer_id}/eligibility")
@refuses(UnknownCustomerError)
async def eligibility(
    customer_id: CustomerId,
    desk: Desk,
    _: Asker,
    action: Action,
    response: Response,
    tariff: Annotated[Place | None, Query(description="For `rate`: with which tariff.")] = None,
    reference: Annotated[Place, Query(description="The order's or load's id, which an exception may name.")] = "",
    prepaid: Annotated[bool, Query(description="For `order`: whether it is paid in advance.")] = False,  # noqa: FBT002
) -> answers.Eligibility:
    """Say whether a customer may order, be rated, or have a load advance past Committed."""
    response.headers["Cache-Control"] = "no-store"
    return await desk.freight.eligibility(
        customer_id, action, tariff=tariff or None, reference=reference, prepaid=prepaid
    )


@router.post("/rates")
@refuses(UnknownCustomerError, UnknownTariffError, CustomerOnHoldError)
async def rate(body: Wanted, desk: Desk, _: Asker) -> answers.Rates:
    """Rate a lane: with one tariff, or with every one that is not blocked. 409 where nothing may be rated."""
    lane = {"origin": body.origin, "destination": body.destination}
    return await desk.freight.rates(body.customer_id, tariff=body.tariff, **lane)


@router.post("/orders", status_code=HTTPStatus.CREATED)
@refuses(UnknownCustomerError, CustomerOnHoldError, NumberTakenError, NoAnswerError)
async def create_order(body: NewOrder, desk: Desk, who: OrderTaker, response: Response) -> answers.Order:
    """Take an order; 409 for a held customer."""
    made = await desk.freight.create_order(
        body.customer_id, body.lines, prepaid=body.prepaid, order_id=body.id, actor=who.name
    )
    response.headers["Location"] = f"/api/orders/{made.id}"
    return made


@router.get("/orders")
@refuses(UnknownCustomerError, NoAnswerError)
async def list_orders(page: paging.Page, desk: Desk, _: Viewer, customer_id: OfCustomer = None) -> answers.Orders:
    """List orders, the newest first."""
    after = paging.moment_and(str, page.cursor)
    orders = await desk.freight.orders(customer_id, after=after, limit=page.limit + 1)
    found, following = page.cut(orders, _newest_first)
    return answers.Orders(orders=found, next_cursor=following)


@router.get("/orders/{order_id}")
@refuses(UnknownOrderError, NoAnswerError)
async def show_order(order_id: Id, desk: Desk, _: Viewer) -> answers.Order:
    """Show an order."""
    return await desk.freight.order(order_id)


@router.post("/orders/{order_id}/cancel")
@refuses(UnknownOrderError, OrderClosedError, NoAnswerError)
async def cancel_order(order_id: Id, desk: Desk, who: OrderTaker) -> answers.Order:
    """Cancel an open order; once more changes nothing."""
    return await desk.freight.close_order(order_id, OrderStatus.CANCELLED, actor=who.name)


@router.post("/orders/{order_id}/invoiced")
@refuses(UnknownOrderError, OrderClosedError, NoAnswerError)
async def order_invoiced(order_id: Id, desk: Desk, who: OrderTaker) -> answers.Order:
    """Say that an order was invoiced: it is open no more; once more changes nothing."""
    return await desk.freight.close_order(order_id, OrderStatus.INVOICED, actor=who.name)


@router.post("/loads", status_code=HTTPStatus.CREATED)
@refuses(UnknownCustomerError, UnknownTariffError, NumberTakenError, NoAnswerError)
async def create_load(body: NewLoad, desk: Desk, who: LoadMover, response: Response) -> answers.Load:
    """Make a load, quoted: a held customer's too, it only cannot pass Committed."""
    made = await desk.freight.create_load(**body.model_dump(exclude={"id"}), load_id=body.id, actor=who.name)
    response.headers["Location"] = f"/api/loads/{made.id}"
    return made


@router.get("/loads")
@refuses(UnknownCustomerError, NoAnswerError)
async def list_loads(
    page: paging.Page, desk: Desk, _: Viewer, customer_id: OfCustomer = None, status: LoadStatus | None = None
) -> answers.Loads:
    """List loads, the newest first."""
    after = paging.moment_and(str, page.cursor)
    loads = await desk.freight.loads(customer_id, status=status, after=after, limit=page.limit + 1)
    found, following = page.cut(loads, _newest_first)
    return answers.Loads(loads=found, next_cursor=following)


@router.get("/loads/{load_id}")
@refuses(UnknownLoadError, NoAnswerError)
async def show_load(load_id: Id, desk: Desk, _: Viewer) -> answers.Load:
    """Show a load."""
    return await desk.freight.load(load_id)


@router.post("/loads/{load_id}/advance")
@refuses(UnknownLoadError, LoadMovedError, CustomerOnHoldError, NoAnswerError)
async def advance_load(load_id: Id, desk: Desk, who: LoadMover, body: Advance | None = None) -> answers.Load:
    """Move a load to its next status; 409 where it would pass Committed and the customer is on hold."""
    return await desk.freight.advance_load(load_id, expected=body.from_ if body else None, actor=who.name)


@router.get("/tariffs")
@refuses(NoAnswerError)
async def list_tariffs(desk: Desk, _: Viewer) -> answers.Tariffs:
    """List tariffs with all their lanes."""
    return await desk.freight.tariffs()


@router.put("/tariffs/{code}", responses={HTTPStatus.CREATED: {"model": answers.Tariff}})
@refuses(NoAnswerError)
async def put_tariff(code: Code, body: NewTariff, desk: Desk, who: PolicyMaker, response: Response) -> answers.Tariff:
    """Make a tariff, or put it in another's place, whole."""
    lanes = [Lane(one.origin, one.destination, one.amount, one.transit_days) for one in body.rates]
    written, is_new = await desk.freight.put_tariff(
        code, name=body.name, currency=body.currency, lanes=lanes, actor=who.name
    )
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return written


def _newest_first(row: answers.Order | answers.Load) -> tuple[str, str]:
    return row.created_at.isoformat(), row.id
