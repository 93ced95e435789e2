"""Locks of the database that outlive transactions: held until the block ends or its process dies, across processes.

They belong to a connection, so between us and PostgreSQL no pool may hand connections on between transactions.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

from sqlalchemy import Engine, func, select, text

_LOOK_AGAIN = 0.5
_PATIENCE = 60
"""Seconds to wait for a turn: less than an attempt at what it is for may take."""
_FIRST_FREE = text("""
SELECT name FROM unnest(CAST(:names AS text[])) AS one (name)
WHERE pg_try_advisory_lock(hashtextextended(name, 0)) LIMIT 1
""")


class NoTurnError(Exception):
    """Others held all the locks for as long as anybody waits."""


@contextmanager
def one_of(engine: Engine, names: Sequence[str]) -> Iterator[str | None]:
    """Hold the first of these locks that is free, and give its name; None where others hold them all."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.execute(_FIRST_FREE, {"names": list(names)}).scalar_one_or_none()
        try:
            yield name
        finally:
            if name is not None:
                connection.execute(select(func.pg_advisory_unlock(func.hashtextextended(name, 0))))


@contextmanager
def in_turn(engine: Engine, names: Sequence[str]) -> Iterator[None]:
    """Hold one of these locks, once somebody lets go of one; blocks its thread.

    Raises:
        NoTurnError: others held them all for a minute.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        with one_of(engine, names) as held:
            if held is not None:
                yield
                return
        if time.monotonic() > until:
            raise NoTurnError
        time.sleep(_LOOK_AGAIN)


@asynccontextmanager
async def one_in_turn(engine: Engine, names: Sequence[str]) -> AsyncIterator[None]:
    """Hold one of these locks, however long others hold them all; off the event loop."""
    while True:
        with ExitStack() as held:
            if await asyncio.to_thread(held.enter_context, one_of(engine, names)) is not None:
                try:
                    yield
                finally:
                    await asyncio.to_thread(held.close)
                return
        await asyncio.sleep(_LOOK_AGAIN)


def mail_connections(count: int) -> list[str]:
    """Return the locks of all connections to the mail server: whoever opens one holds one."""
    return [f"mail connection {number}" for number in range(count)]


def netsuite_calls(count: int) -> list[str]:
    """Return the locks of all calls of NetSuite at once, over all processes: whoever calls holds one."""
    return [f"netsuite call {number}" for number in range(count)]
