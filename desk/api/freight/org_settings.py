"""Organisations and their settings over HTTP (freight spec, LSP Org Settings)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path
from fastapi.responses import Response
from pydantic import model_validator

from credit.wording import words
from db.errors import OrganisationTakenError, StaleVersionError, UnknownOrganisationError
from db.freight import org_settings
from desk.api.common import Body, Desk, IfMatch, Line, PolicyMaker, Viewer, api_router, number_in
from desk.etags import versioned
from desk.problems import refuses
from desk.surroundings import in_transaction
from services.freight import organisations
from services.freight.answers import Organisation, Organisations

router = api_router("org settings", "/api/org-settings")

Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]


class ChangedSettings(Body):
    """What to change: a setting that is left out stays."""

    auto_apply_credit_hold: bool | None = None
    auto_lift_credit_hold: bool | None = None
    language: Line | None = None

    @model_validator(mode="after")
    def _say_something(self) -> "ChangedSettings":
        nulls = [name for name in self.model_fields_set if getattr(self, name) is None]
        if nulls:
            raise ValueError(f"{', '.join(map(words, nulls))} may not be null: leave out what is to stay")
        return self


class NewOrganisation(Body):
    """How to call it."""

    organisation: Line


@router.get("")
async def list_organisations(desk: Desk, _: Viewer) -> Organisations:
    """List every organisation with its settings."""
    return await in_transaction(desk, lambda session: Organisations.of(org_settings.listed(session)))


@router.post("", status_code=HTTPStatus.CREATED)
@refuses(OrganisationTakenError)
async def create(body: NewOrganisation, desk: Desk, who: PolicyMaker, response: Response) -> Organisation:
    """Make an organisation; 409 where the name is taken. Everything is off by default."""
    made = Organisation.of_row(await organisations.create(desk.engine, who, body.organisation))
    response.headers["Location"] = f"/api/org-settings/{made.organisation}"
    return versioned(response, made)


@router.get("/{organisation}")
@refuses(UnknownOrganisationError)
async def show(organisation: Name, desk: Desk, _: Viewer, response: Response) -> Organisation:
    """Show one organisation's settings. The ETag is their version."""
    found = await in_transaction(desk, lambda session: Organisation.of_row(org_settings.get(session, organisation)))
    return versioned(response, found)


@router.put("/{organisation}")
@refuses(UnknownOrganisationError, StaleVersionError)
async def change(
    organisation: Name,
    body: ChangedSettings,
    desk: Desk,
    who: PolicyMaker,
    response: Response,
    if_match: IfMatch = None,
) -> Organisation:
    """Change some settings. With `If-Match` only where nobody changed them since they were read.

    Switching auto-apply on puts nobody on hold: it acts when a limit goes from acceptable to exceeded.
    """
    wanted = body.model_dump(exclude_unset=True)
    row = await organisations.change(desk.engine, who, organisation, wanted, changed=number_in(if_match))
    return versioned(response, Organisation.of_row(row))
