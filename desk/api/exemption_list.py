"""Everybody's exemptions from automatic holds over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from desk.api.common import Desk, Viewer, api_router
from desk.surroundings import in_transaction
from services.receivables import exemptions
from services.receivables.answers import Exemptions

router = api_router("customers", "/api/exemptions")


@router.get("")
async def list_exemptions(
    desk: Desk, _: Viewer, *, over: Annotated[bool, Query(description="Also those that are over.")] = False
) -> Exemptions:
    """List who is exempt from automatic holds, the next to end first."""
    return await in_transaction(desk, exemptions.listed, datetime.now(UTC), over_too=over)
