"""Locks of the database that outlive transactions: held until the block ends or its process dies, across processes.

They belong to a connection, so between us and PostgreSQL no pool may hand connections on between transactions.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

from sqlalchemy import Engine, func, select

_LOOK_AGAIN = 0.5


@contextmanager
def one_of(engine: Engine, names: Sequence[str]) -> Iterator[str | None]:
    """Hold the first of these locks that is free, and give its name; None where others hold them all."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in names:
            key = func.hashtextextended(name, 0)
            if connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one():
                try:
                    yield name
                finally:
                    connection.execute(select(func.pg_advisory_unlock(key)))
                return
        yield None


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
