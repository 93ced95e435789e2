"""What is alike for every engine, client and sign-in of this process is worked out once: each test makes its own."""

from functools import cache

from argon2 import PasswordHasher
from httpx._transports import default
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.util import LRUCache

from services.people import passwords


def share() -> None:
    """Let all share compiled statements and the machine's certificates, and hash passwords in no time."""
    _statements()
    default.create_ssl_context = cache(default.create_ssl_context)  # type: ignore[attr-defined]
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _statements() -> None:
    """The keys of the cache hold the dialect: two of one class, made by the same `make_engine`, compile alike."""
    compiled: LRUCache[object, object] = LRUCache(5000)
    PGDialect_psycopg.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    PGDialect_psycopg.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    Engine._compiled_cache = property(lambda _: compiled, lambda _, _own: None)  # type: ignore[assignment]
