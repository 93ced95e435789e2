"""Accounting profiles and their Credit Hold pages over HTTP (freight spec)."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response
from pydantic import BeforeValidator, Field, model_validator

from credit.credit_hold import CreditStatus
from credit.credit_limit import Limit
from db.errors import (
    ClaimedByAnotherError,
    SecondApproverError,
    SelfApprovalError,
    UnknownCustomerError,
    UnknownEntryError,
    UnknownTariffError,
)
from desk.api.common import (
    Body,
    CustomerId,
    Desk,
    Line,
    ProfileChanger,
    Said,
    Starter,
    Viewer,
    Why,
    api_router,
)
from desk.problems import refuses
from desk.surroundings import in_transaction
from services.freight import answers
from services.freight.block_effects import BlockEffects

router = api_router("accounting profiles", "/api/customers/{customer_id}")


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
            raise ValueError("choose good or credit hold, or leave it out to let it stay")
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


@router.get("/accounting-profile")
@refuses(UnknownCustomerError)
async def show(customer_id: CustomerId, desk: Desk, who: Viewer) -> answers.Profile:
    """Show a customer's credit status, limit and exposure, with what blocks it."""
    return await desk.profiles.show(who, customer_id)


@router.put("/accounting-profile")
@refuses(UnknownCustomerError, ClaimedByAnotherError, SelfApprovalError, SecondApproverError)
async def change(
    customer_id: CustomerId, body: WantedProfile, desk: Desk, who: ProfileChanger
) -> answers.ReleasedProfile | answers.Profile:
    """Change the credit status, the credit limit, or both.

    Credit Hold blocks all tariffs; Good deletes the entries that do, and where a service hold made one asks for its
    release. While the limit is exceeded that is an override.
    """
    return await desk.profiles.set(who, customer_id, **body.model_dump(exclude_unset=True))


@router.get("/credit-hold-entries/effects")
@refuses(UnknownCustomerError)
async def effects(
    customer_id: CustomerId, desk: Desk, _: Viewer, tariff: Annotated[list[Line] | None, Query()] = None
) -> BlockEffects:
    """Say what a block by hand would do, and what it skips; of all tariffs where none is named."""
    return await in_transaction(desk, BlockEffects.of, customer_id, tariff)


@router.get("/credit-hold-entries")
@refuses(UnknownCustomerError)
async def list_entries(customer_id: CustomerId, desk: Desk, who: Viewer) -> answers.Entries:
    """List the live entries of the Credit Hold page."""
    return await desk.profiles.entries(who, customer_id)


@router.post(
    "/credit-hold-entries",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.OK: {"model": answers.MadeEntry, "description": "It was there."}},
)
@refuses(UnknownCustomerError, UnknownTariffError)
async def add_entry(
    customer_id: CustomerId, body: NewEntry, desk: Desk, who: ProfileChanger, response: Response
) -> answers.MadeEntry:
    """Block all tariffs, or those named; 200 where an entry does so already."""
    made, is_new = await desk.profiles.block(who, customer_id, tariffs=body.named, note=body.note)
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return made


_RELEASE_ASKED = {"model": answers.ReleaseAsked, "description": "The release of its service hold is asked for."}
_DELETING: dict[int | str, dict[str, Any]] = {HTTPStatus.ACCEPTED: _RELEASE_ASKED}


@router.delete("/credit-hold-entries/{entry_id}", responses=_DELETING)
@refuses(UnknownEntryError, ClaimedByAnotherError, SelfApprovalError, SecondApproverError)
async def delete_entry(
    customer_id: CustomerId,
    entry_id: UUID,
    desk: Desk,
    who: Starter,
    response: Response,
    reason: Annotated[Said, Query()] = "",
) -> answers.Deleted | answers.ReleaseAsked:
    """Delete an entry, which lifts its block. A service hold's stays until the hold's release: 202."""
    done = await desk.profiles.unblock(who, customer_id, entry_id, reason=reason)
    response.status_code = HTTPStatus.OK if done.ended else HTTPStatus.ACCEPTED
    return done


@router.delete("/credit-hold-entries", responses=_DELETING)
@refuses(UnknownEntryError, ClaimedByAnotherError, SelfApprovalError, SecondApproverError)
async def delete_entry_by_query(
    customer_id: CustomerId,
    entry_id: Annotated[UUID, Query(alias="id")],
    desk: Desk,
    who: Starter,
    response: Response,
    reason: Annotated[Said, Query()] = "",
) -> answers.Deleted | answers.ReleaseAsked:
    """Delete an entry that the query names, as above."""
    return await delete_entry(customer_id, entry_id, desk, who, response, reason)
