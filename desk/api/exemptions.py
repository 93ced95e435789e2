"""A customer's exemption from automatic holds over HTTP: look, grant, end."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from credit.permissions import Permission
from db import customers
from db.errors import NotExemptError
from db.people.tokens import Caller
from db.receivables import exemptions
from desk.access import needs
from desk.api.common import Line, Why
from desk.surroundings import Surroundings, in_transaction, surroundings
from services.answers import Document
from services.receivables import exemption_documents
from services.receivables import exemptions as exemption_service

router = APIRouter(prefix="/api/customers/{customer_id}/exemption", tags=["customers"])

Desk = Annotated[Surroundings, Depends(surroundings)]
CustomerId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]
Viewer = Annotated[Caller, Depends(needs(Permission.LOOK))]
PolicyMaker = Annotated[Caller, Depends(needs(Permission.CHANGE_POLICY))]


class NewExemption(BaseModel):
    """What to agree on."""

    model_config = ConfigDict(extra="forbid")

    until: date
    """The last day on which it counts (UTC)."""
    reason: Why
    owner: Line | None = Field(default=None, description="Who answers for it; the caller by default.")


@router.get("")
async def show(customer_id: CustomerId, desk: Desk, _: Viewer) -> Document:
    """Show the exemption that counts today; 404 where there is none."""

    def read(session: Session) -> Document:
        customers.get(session, customer_id)
        found = exemptions.active(session, customer_id, datetime.now(UTC))
        if found is None:
            raise NotExemptError(customer_id)
        return exemption_documents.document(found)

    return await in_transaction(desk, read)


@router.post("", status_code=HTTPStatus.CREATED)
async def grant(customer_id: CustomerId, wanted: NewExemption, desk: Desk, who: PolicyMaker) -> Document:
    """Exempt a customer from automatic holds; 409 where it is exempt already."""
    granted = await exemption_service.grant(
        desk.engine, who, customer_id, until=wanted.until, reason=wanted.reason, owner=wanted.owner or ""
    )
    return exemption_documents.document(granted)


@router.delete("")
async def end(customer_id: CustomerId, reason: Annotated[Why, Query()], desk: Desk, who: PolicyMaker) -> Document:
    """End the exemption before its last day; 404 where there is none."""
    return exemption_documents.document(await exemption_service.end(desk.engine, who, customer_id, reason=reason))
