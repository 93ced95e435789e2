"""What a transaction has locked or read, and need not ask for again: nobody else changes it before the end."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from credit.policy import Policy
from db.models import Customer, Proposal
from db.models.base import Base

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T", bound=Base)

_MEMORY = "transaction memory"
_GENTLY: dict[type[Base], dict[str, bool]] = {Customer: {"key_share": True}}
"""Whose rows are locked so that who only refers to them, by a foreign key, is not kept waiting."""


class Kind(Generic[K, V]):
    """One kind of what the open transaction remembers, each by its key. All are below: nothing else is kept.

    All is forgotten with the end of the transaction, and with that of a savepoint.
    """

    def recall(self, session: Session, key: K) -> V | None:
        """Return what is remembered; None where nothing is."""
        found: V | None = _memory(session).get((self, key))
        return found

    def remember(self, session: Session, key: K, value: V) -> V:
        """Remember this from now on, and return it."""
        _memory(session)[self, key] = value
        return value

    def once(self, session: Session, key: K, read: Callable[[], V | None]) -> V | None:
        """Return what `read` gave the first time in this transaction; None is asked for again."""
        found = self.recall(session, key)
        if found is None and (found := read()) is not None:
            self.remember(session, key, found)
        return found


CUSTOMERS: Kind[str, Customer] = Kind()
"""Customers with their sales reps, by id."""
PROPOSALS: Kind[UUID, Proposal] = Kind()
POLICY: Kind[None, tuple[int, Policy]] = Kind()
"""The version and the policy that the transaction goes by."""
CHAIN_ENDS: Kind[str, tuple[int, str]] = Kind()
"""Number and hash of the newest entry of each audit chain that is locked."""
_LOCKED: Kind[tuple[type[Base], object], Any] = Kind()


def locked(session: Session, model: type[T], key: object) -> T | None:
    """Return a row, locked until the end of the transaction; None where there is none."""
    how = _GENTLY.get(model) or True

    def lock() -> T | None:
        return session.get(model, key, with_for_update=how, populate_existing=True)

    return _LOCKED.once(session, (model, key), lock)


def is_locked(session: Session, row: Base, key: object) -> None:
    """Remember a row that another query has locked."""
    _LOCKED.remember(session, (type(row), key), row)


def _memory(session: Session) -> dict[Hashable, Any]:
    memory: dict[Hashable, Any] = session.info.setdefault(_MEMORY, {})
    return memory


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None or ended.nested:  # the others are flushes
        session.info.pop(_MEMORY, None)
