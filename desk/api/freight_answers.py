"""What the API answers with about eligibility, rates, orders, loads and tariffs, for its contract."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from credit.credit_hold import LoadStatus, OrderStatus
from credit.eligibility import FRONT_OFFICE, Action
from desk.api.answers import _AT, _example

_RATE: dict[str, Any] = {
    "tariff": "LTL-STANDARD",
    "name": "Less than truckload, standard",
    "origin": "Chicago",
    "destination": "Dallas",
    "amount": "365.00",
    "currency": "USD",
    "transit_days": 3,
}
_ORDER: dict[str, Any] = {
    "id": "ORD-5f0c2a9be13d4477",
    "customer_id": "1012",
    "status": "open",
    "amount": "730.00",
    "prepaid": False,
    "lines": [{"description": "Chicago to Dallas", "quantity": "2", "unit_price": "365.00"}],
    "created_by": "rosa",
    "created_at": _AT,
    "closed_at": None,
}
_LOAD: dict[str, Any] = {
    "id": "LOAD-9d2b7c10ffae4e21",
    "customer_id": "1012",
    "status": "quoted",
    "next": "committed",
    "tariff": "LTL-STANDARD",
    "origin": "Chicago",
    "destination": "Dallas",
    "created_by": "rosa",
    "created_at": _AT,
    "advanced_at": None,
}
_LANE: dict[str, Any] = {"origin": "", "destination": "", "amount": "410.00", "transit_days": 4}
_TARIFF: dict[str, Any] = {
    "code": "LTL-STANDARD",
    "name": "Less than truckload, standard",
    "currency": "USD",
    "rates": [_LANE],
    "updated_by": "migration",
    "updated_at": _AT,
}


class InTheWay(BaseModel):
    """One entry that blocks: the note is for the office, never for the customer."""

    model_config = _example(
        source="manual", label="Block All Tariffs", customer_id="1012", note="cheque bounced", since=_AT, hold_id=None
    )

    source: str
    """`manual`, `auto_apply`, `service_hold`; or `entitystatus`, where only the customer's flag says so."""
    label: str
    customer_id: str
    """The customer, or the parent account whose block covers it."""
    note: str | None
    since: datetime | None
    hold_id: UUID | None


class Eligibility(BaseModel):
    """Whether a customer may go ahead. `degraded`: the database did not answer, a setting did."""

    model_config = _example(
        allowed=False,
        message="Your account is on credit hold, so we cannot give you rates or take new orders on credit right now.",
        holds=[],
        action="order",
        template=FRONT_OFFICE,
        blocked_tariffs=[],
        degraded=False,
    )

    allowed: bool
    message: str | None
    """For the customer, or for who works on its load; null where it may go ahead."""
    holds: list[InTheWay]
    """What stands in the way, or would but for an exception or payment in advance."""
    action: Action
    template: str | None
    blocked_tariffs: list[str]
    """By name; an entry for all tariffs names none."""
    degraded: bool


class Rate(BaseModel):
    """What one tariff asks; an empty origin or destination stands for any."""

    model_config = _example(**_RATE)

    tariff: str
    name: str
    origin: str
    destination: str
    amount: str
    currency: str
    transit_days: int


class Rates(BaseModel):
    """The rate of each tariff that is not blocked. `degraded`: from the tariffs read last, nobody was looked up."""

    model_config = _example(customer_id="1012", rates=[_RATE], blocked_tariffs=[], degraded=False)

    customer_id: str
    rates: list[Rate]
    blocked_tariffs: list[str]
    degraded: bool


class Line(BaseModel):
    """One line of an order."""

    model_config = _example(description="Chicago to Dallas", quantity="2", unit_price="365.00")

    description: str
    quantity: str
    unit_price: str


class Order(BaseModel):
    """An order; its amount is in the ledger's currency."""

    model_config = _example(**_ORDER)

    id: str
    customer_id: str
    status: OrderStatus
    amount: str
    prepaid: bool
    lines: list[Line]
    created_by: str
    created_at: datetime
    closed_at: datetime | None


class Orders(BaseModel):
    """A page of orders, the newest first."""

    model_config = _example(orders=[_ORDER], next_cursor=None)

    orders: list[Order]
    next_cursor: str | None


class Load(BaseModel):
    """A load on its way; `next` is the status after this one, null for a delivered load."""

    model_config = _example(**_LOAD)

    id: str
    customer_id: str
    status: LoadStatus
    next: LoadStatus | None
    tariff: str | None
    origin: str
    destination: str
    created_by: str
    created_at: datetime
    advanced_at: datetime | None


class Loads(BaseModel):
    """A page of loads, the newest first."""

    model_config = _example(loads=[_LOAD], next_cursor=None)

    loads: list[Load]
    next_cursor: str | None


class Lane(BaseModel):
    """A line of a tariff."""

    model_config = _example(**_LANE)

    origin: str
    destination: str
    amount: str
    transit_days: int


class Tariff(BaseModel):
    """A price list."""

    model_config = _example(**_TARIFF)

    code: str
    name: str
    currency: str
    rates: list[Lane]
    updated_by: str
    updated_at: datetime


class Tariffs(BaseModel):
    """Every tariff, by code."""

    model_config = _example(tariffs=[_TARIFF])

    tariffs: list[Tariff]
