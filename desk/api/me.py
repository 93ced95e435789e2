"""`GET /api/me`: who is calling, and what they may do."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from credit.permissions import Permission
from db.people.tokens import Caller
from desk.access import needs
from desk.api.common import api_router, fresh
from desk.api.settings_answers import Me

router = api_router("people", "/api/me")


@router.get("", response_model=Me)
async def me(request: Request, who: Annotated[Caller, Depends(needs(Permission.KNOW_ONESELF))]) -> Response:
    """Say who is calling, and what they may do."""
    permissions = [permission for permission in Permission if who.may(permission)]
    return fresh(request, {"name": who.name, "role": who.role.label, "permissions": permissions})
