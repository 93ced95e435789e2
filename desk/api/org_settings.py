"""Organisations and their settings over HTTP (freight spec, LSP Org Settings)."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy.orm import Session

from db.freight import org_settings
from desk.api.common import Body, Desk, IfMatch, Line, PolicyMaker, Viewer, api_router, fresh, number_in, versioned
from desk.problems import documented
from desk.surroundings import in_transaction
from services.freight import organisations, profile_documents

router = api_router("org settings", "/api/org-settings")

Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]

_ORGANISATION: dict[str, Any] = {
    "organisation": "main",
    "auto_apply_credit_hold": False,
    "auto_lift_credit_hold": False,
    "language": "en",
    "version": 1,
    "updated_by": "migration",
    "updated_at": "2027-03-01T09:00:00Z",
}


class Organisation(BaseModel):
    """What one organisation has chosen."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_ORGANISATION]})

    organisation: str
    auto_apply_credit_hold: bool
    """Whether a limit that goes from acceptable to exceeded puts the customer on credit hold at once."""
    auto_lift_credit_hold: bool
    """Whether such a block goes by itself when the limit is met again."""
    language: str
    version: int
    updated_by: str
    updated_at: datetime


class Organisations(BaseModel):
    """Every organisation, by name."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"organisations": [_ORGANISATION]}]})

    organisations: list[Organisation]


class ChangedSettings(Body):
    """What to change: a setting that is left out stays."""

    auto_apply_credit_hold: bool | None = None
    auto_lift_credit_hold: bool | None = None
    language: Line | None = None

    @model_validator(mode="after")
    def _say_something(self) -> "ChangedSettings":
        nulls = [name for name in self.model_fields_set if getattr(self, name) is None]
        if nulls:
            raise ValueError(f"{', '.join(nulls)} may not be null: leave out what is to stay")
        return self


class NewOrganisation(Body):
    """How to call it."""

    organisation: Line


@router.get("", response_model=Organisations)
async def list_organisations(request: Request, desk: Desk, _: Viewer) -> Response:
    """List every organisation with its settings."""
    return fresh(request, await in_transaction(desk, _all))


@router.post("", status_code=HTTPStatus.CREATED, response_model=Organisation, responses=documented(HTTPStatus.CONFLICT))
async def create(body: NewOrganisation, desk: Desk, who: PolicyMaker) -> Response:
    """Make an organisation; 409 where the name is taken. Everything is off by default."""
    made = await organisations.create(desk.engine, who, body.organisation)
    headers = {"ETag": f'"{made.version}"', "Location": f"/api/org-settings/{made.organisation}"}
    return JSONResponse(profile_documents.organisation(made), HTTPStatus.CREATED, headers)


@router.get("/{organisation}", response_model=Organisation, responses=documented(HTTPStatus.NOT_FOUND))
async def show(request: Request, organisation: Name, desk: Desk, _: Viewer) -> Response:
    """Show one organisation's settings. The ETag is their version."""
    row = await in_transaction(desk, lambda session: org_settings.get(session, organisation))
    return versioned(request, profile_documents.organisation(row), row.version)


@router.put(
    "/{organisation}",
    response_model=Organisation,
    responses=documented(HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED),
)
async def change(
    request: Request, organisation: Name, body: ChangedSettings, desk: Desk, who: PolicyMaker, if_match: IfMatch = None
) -> Response:
    """Change some settings. With `If-Match` only where nobody changed them since they were read.

    Switching auto-apply on puts nobody on hold: it acts when a limit goes from acceptable to exceeded.
    """
    wanted = body.model_dump(exclude_unset=True)
    row = await organisations.change(desk.engine, who, organisation, wanted, changed=number_in(if_match))
    return versioned(request, profile_documents.organisation(row), row.version)


def _all(session: Session) -> dict[str, Any]:
    return profile_documents.organisations(org_settings.listed(session))
