"""Heartbeats at a steady pace, so that a killed worker is noticed within seconds, however long the work takes."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from temporalio import activity

_SECONDS = 2.0


@contextmanager
def heartbeats() -> Iterator[None]:
    """Beat from beside a blocking call."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_SECONDS):
            activity.heartbeat()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(beat,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@asynccontextmanager
async def steady_heartbeats() -> AsyncIterator[None]:
    """Beat from beside a coroutine."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
