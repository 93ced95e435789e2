"""`GET /api/me`: who is calling, and what they may do."""

from fastapi import Request
from fastapi.responses import Response

from credit.permissions import Permission
from desk.api.common import Viewer, api_router, fresh
from desk.api.settings_answers import Me

router = api_router("people", "/api/me")


@router.get("", response_model=Me)
async def me(request: Request, who: Viewer) -> Response:
    """Say who is calling, and what they may do."""
    permissions = [permission for permission in Permission if who.may(permission)]
    return fresh(request, {"name": who.name, "role": who.role.label, "permissions": permissions})
