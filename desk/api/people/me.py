"""`GET /api/me`: who is calling, and what they may do."""

from typing import Annotated

from fastapi import Depends

from credit.permissions import Permission
from db.people.tokens import Caller
from desk.access import needs
from desk.api.common import api_router
from services.people.answers import Me

router = api_router("people", "/api/me")


@router.get("")
async def me(who: Annotated[Caller, Depends(needs(Permission.KNOW_ONESELF))]) -> Me:
    """Say who is calling, and what they may do."""
    return Me.of(who)
