"""What a transaction has locked or read, and need not ask for again: nobody else changes it before the end."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from db.models import Customer
from db.models.base import Base

R = TypeVar("R")
T = TypeVar("T", bound=Base)

_KEY = "transaction memory"
_GENTLY: dict[type[Base], dict[str, bool]] = {Customer: {"key_share": True}}
"""Whose rows are locked so that who only refers to them, by a foreign key, is not kept waiting."""


def of(session: Session) -> dict[Hashable, Any]:
    """Return what the open transaction remembers; it forgets all with its end, and with that of a savepoint."""
    memory: dict[Hashable, Any] = session.info.setdefault(_KEY, {})
    return memory


def once(session: Session, key: Hashable, read: Callable[[], R]) -> R:
    """Return what `read` gave the first time in this transaction; None is asked for again."""
    memory = of(session)
    if memory.get(key) is None:
        memory[key] = read()
    kept: R = memory[key]
    return kept


def locked(session: Session, model: type[T], key: object) -> T | None:
    """Return a row, locked until the end of the transaction; None where there is none."""
    how = _GENTLY.get(model) or True

    def lock() -> T | None:
        return session.get(model, key, with_for_update=how, populate_existing=True)

    return once(session, (model, key), lock)


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None or ended.nested:  # the others are flushes
        session.info.pop(_KEY, None)
