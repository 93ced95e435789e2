"""`/api/device-codes`, `/api/device-tokens`: a program signs in as a person (RFC 8628). `/api/me/token`: it signs out.

To sign in takes no token. Bodies are JSON, and errors are problem documents whose `error` is that of the RFC.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Request
from pydantic import AfterValidator, Field, StringConstraints

from db.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    BadInputError,
    DeviceCodeError,
    ExpiredTokenError,
    SlowDownError,
    TooManyDeviceCodesError,
)
from db.people import device_codes
from desk.api.common import Body, Desk, Viewer, Word, api_router
from desk.problems import refuses
from desk.sign_in.strangers import address_of
from desk.surroundings import acting, in_transaction
from services.people import answers, people

router = api_router("people", heeds_key=False)  # what is shown once is kept nowhere


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has a character that cannot be printed, or a space that is not the common one: replace it")
    return text


Printable = AfterValidator(_printable)
"""What may be a token's name."""


class NewDeviceCode(Body):
    """A program that wants to act for the person who confirms it."""

    client_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Word, Printable]
    """What the person is shown, and the token is called: `hold on laptop`."""
    token_days: int | None = Field(None, ge=1, le=90)
    """How long the token is to last; 12 hours where it is left out."""


class DeviceTokenRequest(Body):
    """The code that the program asks with."""

    device_code: str = Field(max_length=200)


@router.post("/device-codes")
@refuses(TooManyDeviceCodesError)
async def begin(request: Request, desk: Desk, new: NewDeviceCode) -> answers.DeviceCode:
    """Begin a sign-in: show `user_code` and `verification_uri` to a person, then ask `/api/device-tokens`."""
    lasts = timedelta(days=new.token_days) if new.token_days else device_codes.TOKEN_LIFETIME
    codes = await in_transaction(
        desk,
        device_codes.begin,
        client_name=new.client_name,
        address=address_of(request),
        token_lifetime=lasts,
        now=datetime.now(UTC),
    )
    page = f"{(desk.settings.desk_url or str(request.base_url)).rstrip('/')}/device"
    return answers.DeviceCode(
        device_code=codes.device_code,
        user_code=codes.user_code,
        verification_uri=page,
        verification_uri_complete=f"{page}?{urlencode({'user_code': codes.user_code})}",
        expires_in=int(device_codes.LIFETIME.total_seconds()),
        interval=int(device_codes.INTERVAL.total_seconds()),
    )


@router.post("/device-tokens")
@refuses(AuthorizationPendingError, SlowDownError, AccessDeniedError, ExpiredTokenError)
async def redeem(desk: Desk, asked: DeviceTokenRequest) -> answers.DeviceToken:
    """Ask for the token, `interval` seconds after each answer `authorization_pending`; it is handed out once.

    `slow_down` means five seconds more from now on; `access_denied` and `expired_token` end it.
    """
    found = await in_transaction(desk, device_codes.redeem, asked.device_code, datetime.now(UTC))
    if isinstance(found, DeviceCodeError):
        raise found
    return answers.DeviceToken(access_token=found.token, expires_in=int(found.lasts.total_seconds()))


@router.delete("/me/token")
@refuses(BadInputError)
async def sign_out(desk: Desk, who: Viewer) -> answers.Token:
    """Make the person's token useless by which this is asked."""
    return await acting(desk, who, people.revoke_own_token, who)
