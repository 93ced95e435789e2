"""Accounting profiles and their Credit Hold pages over HTTP (freight spec)."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from credit.credit_hold import BlockSource, CreditStatus, Limit, LimitState
from desk.api.common import Body, Desk, Line, ProfileChanger, Said, Starter, Viewer, Why, api_router, fresh
from desk.problems import documented
from services.answers import Document
from services.freight.profiles import Profiles

router = api_router("accounting profiles", "/api/customers/{customer_id}")

CustomerId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]
_HOLD = "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11"
_ENTRY: dict[str, Any] = {
    "id": "5d1f2c3b-7a64-4c0e-9a3a-1b2c3d4e5f60",
    "customer_id": "1012",
    "label": "Block All Tariffs",
    "all_tariffs": True,
    "tariffs": None,
    "note": "two cheques came back",
    "source": "manual",
    "hold_id": None,
    "created_by": "mike",
    "created_at": "2027-03-01T09:00:00Z",
}
_PROFILE: dict[str, Any] = {
    "customer_id": "1012",
    "credit_status": "credit_hold",
    "credit_status_label": "Credit Hold",
    "credit_limit": "50000.00",
    "limit_state": "exceeded",
    "exposure": "61500.00",
    "available": "-11500.00",
    "currency": "USD",
    "organisation": "main",
    "parent_id": None,
    "override": None,
    "entries": [_ENTRY],
}
_DELETED = {"id": _ENTRY["id"], "ended": True}
_STAYS = {"id": _ENTRY["id"], "ended": False, "hold_id": _HOLD, "status": "proposed"}


def _example(example: Document) -> ConfigDict:
    return ConfigDict(extra="allow", json_schema_extra={"examples": [example]})


class Entry(BaseModel):
    """One block on a customer's Credit Hold page."""

    model_config = _example(_ENTRY)

    id: UUID
    customer_id: str
    label: str
    all_tariffs: bool
    tariffs: list[str] | None
    note: str
    source: BlockSource
    hold_id: UUID | None
    """The service hold that it stands for: only that hold's release ends it."""
    created_by: str
    created_at: datetime


class MadeEntry(Entry):
    """The entry that blocks what was asked for."""

    model_config = _example({**_ENTRY, "warnings": []})

    warnings: list[str]
    """Names the tariffs there are, where one was named that is not."""


class Entries(BaseModel):
    """The live entries of a Credit Hold page, the oldest first."""

    model_config = _example({"entries": [_ENTRY]})

    entries: list[Entry]


class Override(BaseModel):
    """Who keeps a customer out of credit hold though its limit is exceeded."""

    model_config = _example({"at": "2027-03-01T09:00:00Z", "by": "mike", "reason": "they pay on Friday"})

    at: datetime
    by: str
    reason: str


class Release(BaseModel):
    """The service hold whose block is left, and what became of its release."""

    model_config = _example({"hold_id": _HOLD, "status": "proposed"})

    hold_id: UUID
    status: Literal["proposed", "approved"]


class Profile(BaseModel):
    """A customer's accounting profile. Amounts are strings."""

    model_config = _example(_PROFILE)

    customer_id: str
    credit_status: CreditStatus
    credit_status_label: str
    credit_limit: str | None
    """Null for no limit."""
    limit_state: LimitState | None
    """Null where it never was evaluated."""
    exposure: str | None
    available: str | None
    """The limit less the exposure: below zero where it is exceeded."""
    currency: str
    organisation: str
    parent_id: str | None
    override: Override | None
    entries: list[Entry]


class ChangedProfile(Profile):
    """The profile as it is now."""

    model_config = _example({**_PROFILE, "release": {"hold_id": _HOLD, "status": "proposed"}})

    release: Release | None = None
    """Only where a service hold's block was met: until its release the customer stays on credit hold."""


class Deleted(BaseModel):
    """An entry that is gone."""

    model_config = _example(_DELETED)

    id: UUID
    ended: Literal[True]


class ReleaseAsked(BaseModel):
    """A service hold's entry, which stays until the hold's release is carried out."""

    model_config = _example(_STAYS)

    id: UUID
    ended: Literal[False]
    hold_id: UUID
    status: Literal["proposed", "approved"]


def _status(given: object) -> object:
    """Take the freight spec's labels too: `Credit Hold` is `credit_hold`."""
    return "_".join(given.lower().split()) if isinstance(given, str) else given


class WantedProfile(Body):
    """What to change: what is left out stays. A null limit is no limit."""

    credit_status: Annotated[CreditStatus, BeforeValidator(_status)] | None = None
    credit_limit: Limit | None = None
    reason: Said = ""

    @model_validator(mode="after")
    def _status_is_one(self) -> "WantedProfile":
        if "credit_status" in self.model_fields_set and self.credit_status is None:
            raise ValueError("credit_status is good or credit_hold: leave it out to let it stay")
        return self


class NewEntry(Body):
    """What to block, and why: every tariff where none is named."""

    tariffs: Annotated[list[Line], Field(min_length=1, max_length=100)] | None = None
    tariff: Line | None = None
    note: Why

    @model_validator(mode="after")
    def _named_once(self) -> "NewEntry":
        if self.tariff is not None and self.tariffs is not None:
            raise ValueError("name tariffs in `tariffs`, or a single one in `tariff`, not in both")
        return self

    @property
    def named(self) -> list[str] | None:
        """The tariffs to block; None for all."""
        return [self.tariff] if self.tariff is not None else self.tariffs


def profiles(desk: Desk) -> Profiles:
    """Return what answers these requests."""
    return Profiles(desk.engine, desk.credit_holds)


@router.get("/accounting-profile", response_model=Profile, responses=documented(HTTPStatus.NOT_FOUND))
async def show(request: Request, customer_id: CustomerId, desk: Desk, who: Viewer) -> Response:
    """Show a customer's credit status, limit and exposure, with what blocks it."""
    return fresh(request, await profiles(desk).show(who, customer_id))


@router.put(
    "/accounting-profile",
    response_model=ChangedProfile,
    responses=documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def change(customer_id: CustomerId, body: WantedProfile, desk: Desk, who: ProfileChanger) -> Response:
    """Change the credit status, the credit limit, or both.

    Credit Hold blocks all tariffs; Good deletes the entries that do, and where a service hold made one asks for its
    release. While the limit is exceeded that is an override.
    """
    wanted = body.model_dump(exclude_unset=True)
    return JSONResponse(await profiles(desk).set(who, customer_id, **wanted))


@router.get("/credit-hold-entries", response_model=Entries, responses=documented(HTTPStatus.NOT_FOUND))
async def list_entries(request: Request, customer_id: CustomerId, desk: Desk, who: Viewer) -> Response:
    """List the live entries of the Credit Hold page."""
    return fresh(request, await profiles(desk).entries(who, customer_id))


@router.post(
    "/credit-hold-entries",
    status_code=HTTPStatus.CREATED,
    response_model=MadeEntry,
    responses=documented(HTTPStatus.NOT_FOUND) | {HTTPStatus.OK: {"model": MadeEntry, "description": "It was there."}},
)
async def add_entry(customer_id: CustomerId, body: NewEntry, desk: Desk, who: ProfileChanger) -> Response:
    """Block all tariffs, or those named; 200 where an entry does so already."""
    made, is_new = await profiles(desk).block(who, customer_id, tariffs=body.named, note=body.note)
    return JSONResponse(made, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


_DELETING: dict[str, Any] = {
    "response_model": Deleted,
    "responses": documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
    | {HTTPStatus.ACCEPTED: {"model": ReleaseAsked, "description": "The release of its service hold is asked for."}},
}


@router.delete("/credit-hold-entries/{entry_id}", **_DELETING)
async def delete_entry(
    customer_id: CustomerId, entry_id: UUID, desk: Desk, who: Starter, reason: Annotated[Said, Query()] = ""
) -> Response:
    """Delete an entry, which lifts its block. A service hold's stays until the hold's release: 202."""
    done = await profiles(desk).unblock(who, customer_id, entry_id, reason=reason)
    return JSONResponse(done, HTTPStatus.OK if done["ended"] else HTTPStatus.ACCEPTED)


@router.delete("/credit-hold-entries", **_DELETING)
async def delete_entry_by_query(
    customer_id: CustomerId,
    entry_id: Annotated[UUID, Query(alias="id")],
    desk: Desk,
    who: Starter,
    reason: Annotated[Said, Query()] = "",
) -> Response:
    """Do the same, the entry named in the query."""
    return await delete_entry(customer_id, entry_id, desk, who, reason)
