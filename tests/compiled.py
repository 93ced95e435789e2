"""Statements are compiled once a process, though each test has a database, and engines, of its own."""

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.util import LRUCache

_STATEMENTS = 5000


def share() -> None:
    """Give all engines one cache of compiled statements; a tenth of the suite's CPU was spent on compiling them anew.

    Its keys hold the dialect: two of one class, made by the same `make_engine`, compile alike.
    """
    cache: LRUCache[object, object] = LRUCache(_STATEMENTS)
    PGDialect_psycopg.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    PGDialect_psycopg.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    Engine._compiled_cache = property(lambda _: cache, lambda _, _own: None)  # type: ignore[assignment]
