"""The control side, which a real account has not: customers, faults and the ledger, under ``/_sandbox/``.

No sign-in and no faults here; by default only this machine may ask.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from netsuite.sandbox.customer_fields import hold_id
from netsuite.sandbox.faults import Faults
from netsuite.sandbox.problems import Refusal
from netsuite.sandbox.record_api import Account
from netsuite.sandbox.store import EXTERNAL, DuplicateExternalId, Store

Endpoint = Callable[[Request], Awaitable[Response]]


class CustomerSeed(BaseModel):
    """One customer to put in. What is not given keeps its value; a new record starts with hold AUTO."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    externalId: str | None = Field(default=None, min_length=1)  # noqa: N815 - NetSuite's name
    companyName: str | None = None  # noqa: N815
    creditHoldOverride: str | None = None  # noqa: N815
    overdueBalance: float | None = None  # noqa: N815
    daysOverdue: int | None = Field(default=None, ge=0)  # noqa: N815
    email: str | None = None
    creditLimit: float | None = None  # noqa: N815
    currency: str | None = None
    """The primary one, in which the limit is."""
    parent: str | None = None
    salesRep: str | None = None  # noqa: N815
    terms: str | None = None

    @field_validator("creditHoldOverride", mode="before")
    @classmethod
    def _either_form(cls, value: object) -> str | None:
        try:
            return None if value is None else hold_id(value)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None

    @field_validator("id")
    @classmethod
    def _internal(cls, value: str) -> str:
        if value.startswith(EXTERNAL):
            raise ValueError("an internal id cannot start with eid:")
        return value

    def row(self) -> tuple[str, str | None, dict[str, Any]]:
        """What :meth:`Store.seed` takes."""
        return self.id, self.externalId, self.model_dump(exclude={"id", "externalId"}, exclude_none=True)


class TransactionSeed(BaseModel):
    """An invoice, a credit memo or a customer payment, with what is unpaid or unused of it, in its own currency."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    tranId: str  # noqa: N815 - NetSuite's name
    type: Literal["CustInvc", "CustCred", "CustPymt"]
    entity: str
    tranDate: date  # noqa: N815
    dueDate: date | None = None  # noqa: N815
    currency: str = "USD"
    unpaid: float = 0
    unused: float = 0
    voided: Literal["T", "F"] = "F"
    posting: Literal["T", "F"] = "T"


class EmployeeSeed(BaseModel):
    """A sales rep."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    entityId: str = ""  # noqa: N815
    email: str | None = None


class Preferences(BaseModel):
    """What an administrator sets for the whole account, and no REST API tells."""

    model_config = ConfigDict(extra="forbid")

    creditLimitHandling: Literal["enforce", "warn", "ignore"] = "enforce"  # noqa: N815


_TRANSACTIONS = TypeAdapter(list[TransactionSeed])
_EMPLOYEES = TypeAdapter(list[EmployeeSeed])
_SEEDS = TypeAdapter(list[CustomerSeed])
_OBJECT = TypeAdapter(dict[str, Any])


class ControlApi:
    """The endpoints of the control side."""

    def __init__(self, account: Account, *, anywhere: bool) -> None:
        """Steer ``account``; ``anywhere`` lets other machines do so too."""
        self._account = account
        self._anywhere = anywhere

    def routes(self) -> list[Route]:
        """The routes, each guarded."""
        table: list[tuple[str, Endpoint, str]] = [
            ("health", self._health, "GET"),
            ("ledger", self._ledger, "GET"),
            ("customers", self._put_customers, "PUT"),
            ("transactions", partial(self._put, "transaction", _TRANSACTIONS), "PUT"),
            ("employees", partial(self._put, "employee", _EMPLOYEES), "PUT"),
            ("preferences", self._put_preferences, "PUT"),
            ("faults", self._get_faults, "GET"),
            ("faults", self._put_faults, "PUT"),
            ("faults", self._delete_faults, "DELETE"),
        ]
        return [Route(f"/_sandbox/{name}", self._guarded(end), methods=[method]) for name, end, method in table]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            if not self._anywhere and not _from_this_machine(request):
                return JSONResponse({"detail": "The control side answers to this machine only."}, 403)
            try:
                return await endpoint(request)
            except ValidationError as error:
                problems = error.errors(include_url=False, include_context=False, include_input=False)
                return JSONResponse({"detail": problems[:20]}, 422)

        return guarded

    async def _health(self, _: Request) -> Response:
        governor = self._account.governor
        return JSONResponse(
            {"status": "ok", "in_progress": governor.in_progress, "most_at_once": governor.most_at_once}
        )

    async def _ledger(self, request: Request) -> Response:
        customer = request.query_params.get("customer")
        rows = await self._account.store.do(lambda store: json.dumps(store.ledger(customer)))
        return Response(rows, media_type="application/json")

    async def _put_customers(self, request: Request) -> Response:
        body = await request.body()

        def put(store: Store) -> int:
            return store.seed(seed.row() for seed in _SEEDS.validate_json(body))

        try:
            return JSONResponse({"customers": await self._account.store.do(put)})
        except DuplicateExternalId as error:
            return JSONResponse({"detail": str(error)}, 409)

    async def _put(self, kind: str, seeds: TypeAdapter[Any], request: Request) -> Response:
        body = await request.body()

        def put(store: Store) -> int:
            return store.put(kind, ((seed.id, seed.model_dump(mode="json")) for seed in seeds.validate_json(body)))

        return JSONResponse({f"{kind}s": await self._account.store.do(put)})

    async def _put_preferences(self, request: Request) -> Response:
        wanted = Preferences.model_validate_json(await request.body())
        self._account.enforces_holds = wanted.creditLimitHandling == "enforce"
        return JSONResponse(wanted.model_dump())

    async def _get_faults(self, _: Request) -> Response:
        return JSONResponse(self._account.faults.model_dump())

    async def _put_faults(self, request: Request) -> Response:
        """Change the faults named in the body; the others stay as they are."""
        changes = _OBJECT.validate_json(await request.body())
        self._account.faults = Faults.model_validate(self._account.faults.model_dump() | changes)
        return JSONResponse(self._account.faults.model_dump())

    async def _delete_faults(self, _: Request) -> Response:
        self._account.faults, self._account.governor.most_at_once = Faults(), 0
        return JSONResponse(self._account.faults.model_dump())


def _from_this_machine(request: Request) -> bool:
    if request.client is None:
        return False
    address = ipaddress.ip_address(request.client.host)
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
