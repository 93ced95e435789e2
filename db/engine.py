"""The engine, and the one way to open a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session


def make_engine(url: str, *, pool_size: int = 20) -> Engine:
    """Return an engine whose sessions run in UTC and notice a restarted server before using it.

    Args:
        url: `postgresql+psycopg://…`.
        pool_size: connections kept; one more than this is never opened, callers wait up to 30 s.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 5, "application_name": "service-holds"},
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Open a session in one transaction: committed at the end, rolled back on any error. Nobody else commits."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
