"""Customers' exemptions from automatic holds over HTTP: list, look, grant, end."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Query
from pydantic import Field
from sqlalchemy.orm import Session

from db import customers
from db.errors import AlreadyExemptError, NotExemptError, UnknownCustomerError
from db.receivables import exemptions
from desk.api.common import Body, CustomerId, Desk, Line, PolicyMaker, Viewer, Why, api_router
from desk.problems import refuses
from desk.surroundings import in_transaction
from services.receivables import exemptions as exemption_service
from services.receivables.answers import Exemption, Exemptions, GrantedExemption

router = api_router("customers")

_OF_CUSTOMER = "/customers/{customer_id}/exemption"


class NewExemption(Body):
    """What to agree on."""

    until: date
    """The last day on which it counts (UTC)."""
    reason: Why
    owner: Line | None = Field(default=None, description="Who answers for it; the caller by default.")


@router.get("/exemptions")
async def list_exemptions(
    desk: Desk, _: Viewer, *, over: Annotated[bool, Query(description="Also those that are over.")] = False
) -> Exemptions:
    """List who is exempt from automatic holds, the next to end first."""
    return await in_transaction(desk, exemption_service.listed, datetime.now(UTC), over_too=over)


@router.get(_OF_CUSTOMER)
@refuses(UnknownCustomerError, NotExemptError)
async def show(customer_id: CustomerId, desk: Desk, _: Viewer) -> Exemption:
    """Show the exemption that counts today; 404 where there is none."""

    def read(session: Session) -> Exemption:
        customers.get(session, customer_id)
        found = exemptions.active(session, customer_id, datetime.now(UTC))
        if found is None:
            raise NotExemptError(customer_id)
        return Exemption.of_row(found)

    return await in_transaction(desk, read)


@router.post(_OF_CUSTOMER, status_code=HTTPStatus.CREATED)
@refuses(UnknownCustomerError, AlreadyExemptError)
async def grant(customer_id: CustomerId, wanted: NewExemption, desk: Desk, who: PolicyMaker) -> GrantedExemption:
    """Exempt a customer from automatic holds; 409 where it is exempt already."""
    return await exemption_service.grant(
        desk.engine, who, customer_id, until=wanted.until, reason=wanted.reason, owner=wanted.owner or ""
    )


@router.delete(_OF_CUSTOMER)
@refuses(UnknownCustomerError, NotExemptError)
async def end(customer_id: CustomerId, reason: Annotated[Why, Query()], desk: Desk, who: PolicyMaker) -> Exemption:
    """End the exemption before its last day; 404 where there is none."""
    return await exemption_service.end(desk.engine, who, customer_id, reason=reason)
