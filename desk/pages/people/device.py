"""`/device`: a signed-in person confirms, or denies, that a program may act for him (RFC 8628, 3.3 and 5.4)."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from db.errors import UnknownUserCodeError
from db.models import DeviceCode
from db.people import device_codes
from desk.flashes import see_other
from desk.pages.common import Desk, Viewer
from desk.pages.people.account import own_session
from desk.rendering import render
from desk.surroundings import acting, in_transaction

router = APIRouter(include_in_schema=False)


@router.get("/device")
async def device(request: Request, desk: Desk, _: Viewer, user_code: str = "") -> Response:
    """Ask for the code; with one, ask whether its program may."""
    if not user_code:
        return _page(request)
    try:
        asks = await in_transaction(desk, device_codes.waiting, user_code, datetime.now(UTC))
    except UnknownUserCodeError as error:
        return _page(request, error.status, user_code=user_code, error=str(error))
    return _page(request, user_code=device_codes.spelled(user_code), asks=asks)


@router.post("/device")
async def answer(
    request: Request,
    desk: Desk,
    who: Viewer,
    verdict: Annotated[Literal["confirm", "deny"], Form()],
    user_code: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    own_session(request)
    confirmed = verdict == "confirm"
    await acting(desk, who, device_codes.answer, user_code, confirmed=confirmed)
    return see_other("/device", "device_confirmed" if confirmed else "device_denied")


def _page(
    request: Request, status: int = 200, *, user_code: str = "", asks: DeviceCode | None = None, error: str = ""
) -> Response:
    user = own_session(request).user
    return render(request, "people/device.html", status, user=user, user_code=user_code, asks=asks, error=error)
