"""Answers that never arrive: a connection that is reset, and one that hangs until the client gives up.

A web framework has no word for either, so the protocol class here hands each request its connection.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_STATE_KEY = "transport"


class TransportAwareProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with the connection in ``scope["state"]``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection for every request on it."""
        self.app_state = {**self.app_state, _STATE_KEY: transport}
        super().connection_made(transport)


class ConnectionReset(Response):
    """Reset the connection (TCP RST) at once, without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send nothing and reset."""
        _abort(scope)
        await _gone(receive)


class AnswerLost(Response):
    """Hold the connection open without a byte until the client leaves or ``hold_seconds`` are over; then close it."""

    def __init__(self, hold_seconds: float) -> None:
        """Nothing is sent, whatever the request was."""
        super().__init__()
        self._hold_seconds = hold_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send nothing, wait, and close; a server that is shutting down closes at once."""
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(_gone(receive), self._hold_seconds)
        _abort(scope)
        await _gone(receive)


def _abort(scope: Scope) -> None:
    transport = cast("asyncio.Transport", scope["state"][_STATE_KEY])
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        # Linger for no time: the kernel then answers with RST instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
