"""The engine, and the one way to open a transaction."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

P = ParamSpec("P")
R = TypeVar("R")

LOCK_SECONDS = 8
"""How long a statement waits for somebody else's lock before it fails: less than an activity's or a request's time."""

WITH_WHAT_IS_WRITTEN: ContextVar[Callable[[Session], None] | None] = ContextVar("with_what_is_written", default=None)
"""What else each of this context's transactions by `in_transaction` writes at its end, in the same commit."""

_TRIES = {"40P01": 5, "55P03": 2}
"""How often a transaction is begun that met a deadlock, or a lock that somebody held for `LOCK_SECONDS`."""


def make_engine(url: str, *, pool_size: int = 20, patience: int | None = None) -> Engine:
    """Return an engine whose sessions run in UTC and notice a restarted server before using it.

    Args:
        url: `postgresql+psycopg://…`.
        pool_size: connections kept; one more than this is never opened, callers wait.
        patience: seconds to wait for a connection, new or free, and for each statement; None for 5, 30 and no limit.
    """
    limits = "" if patience is None else f" -c statement_timeout={patience}s"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=patience or 30,
        connect_args={
            "options": f"-c timezone=UTC -c lock_timeout={LOCK_SECONDS}s{limits}",
            "connect_timeout": patience or 5,
            "application_name": "service-holds",
        },
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Open a session in one transaction: committed at the end, rolled back on any error. Nobody else commits."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


async def in_transaction(
    engine: Engine, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Do `work` in a transaction of its own, off the event loop; in a new one where it met somebody's lock."""
    also = WITH_WHAT_IS_WRITTEN.get()

    def run() -> R:
        with transaction(engine) as session:
            done = work(session, *args, **kwargs)
            if also is not None:
                session.flush()
                also(session)
            return done

    return await asyncio.to_thread(tried_again, run)


def tried_again(work: Callable[[], R]) -> R:
    """Do `work`, and once more where PostgreSQL undid it for somebody else's sake: a deadlock, or a lock held long."""
    for attempt in itertools.count(1):
        try:
            return work()
        except OperationalError as error:
            if attempt >= _TRIES.get(str(getattr(error.orig, "sqlstate", "")), 1):
                raise
            time.sleep(random.uniform(0, 0.05 * attempt))  # noqa: S311 (so that two do not meet again)
    raise AssertionError("unreachable")
