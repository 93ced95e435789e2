"""What only the database's owner can do: the tests work as the product does, as a role that owns nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from db.engine import transaction
from starter.stack.postgres import OWNER, Postgres

cluster: list[Postgres] = []
"""The one that this process's databases are in."""


def owner_of(engine: Engine) -> Engine:
    """Return an engine on the same database, signed in as its owner; it keeps no connection."""
    return create_engine(cluster[0].url(str(engine.url.database), OWNER), poolclass=NullPool)


@contextmanager
def as_owner(engine: Engine) -> Iterator[Session]:
    """A transaction of the owner's on the same database."""
    with transaction(owner_of(engine)) as session:
        yield session
