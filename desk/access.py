"""Who is asking, and whether they may: every route names the permission it takes.

    @router.post("/holds", dependencies=[Depends(needs(Permission.START_HOLD))])

A caller is known by a bearer token (programs) or a session cookie (browsers). Session callers must also prove that
the request comes from our own pages: `desk/csrf.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from credit.permissions import Permission
from db.engine import transaction
from db.errors import RefusedError
from db.repositories import tokens
from db.repositories.tokens import Caller
from desk.surroundings import Surroundings, surroundings


class NotSignedInError(RefusedError):
    """Nobody is known to be asking."""

    code = "not_signed_in"


async def caller(request: Request, desk: Annotated[Surroundings, Depends(surroundings)]) -> Caller:
    """Return who is asking: a FastAPI dependency.

    Raises:
        NotSignedInError: neither a token nor a session.
        UnknownTokenError: the token is nobody's.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":

        def read() -> Caller:
            with transaction(desk.engine) as session:
                return tokens.caller(session, token.strip())

        found = await asyncio.to_thread(read)
        request.state.caller = found
        return found
    raise NotSignedInError("sign in at /sign-in, or send an API token as `Authorization: Bearer …`")


AnyCaller = Annotated[Caller, Depends(caller)]


def needs(permission: Permission) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that gives the caller, and refuses one whose role does not reach.

    Raises:
        NotAllowedError: it does not.
    """

    async def check(who: AnyCaller) -> Caller:
        who.require(permission)
        return who

    return check
