"""Something done in a name: in which transaction, by whom, for which absent people, when; and the record of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Concatenate, ParamSpec, Self, TypeVar
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.audit_entries.entry import ByPerson, Entry
from credit.notices import SYSTEM
from credit.permissions import LEAST_ROLE, Permission, Role
from db import audit
from db.delegation import represented
from db.engine import in_transaction

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Act:
    """What every function takes first that does something in a name; those that only read take the session."""

    session: Session
    """The open transaction."""
    actor: str
    """A person's login, a program's token or source, a policy, or the system."""
    now: datetime
    is_delegate: bool = True
    """Whether the actor may stand in for others; the system and policies never do."""

    @classmethod
    def of_system(cls, session: Session, now: datetime) -> Self:
        """Return what the system does by itself."""
        return cls(session, SYSTEM, now, is_delegate=False)

    def by(self, actor: str) -> Self:
        """Return what is done in another's name in the same transaction; they stand in for nobody."""
        return replace(self, actor=actor, is_delegate=False)

    @property
    def by_system(self) -> Self:
        """What the system does in the same transaction: what follows, whoever began it."""
        return self.by(SYSTEM)

    @cached_property
    def _represented(self) -> dict[str, Role]:
        return represented(self.session, self.actor, self.now) if self.is_delegate else {}

    @property
    def on_behalf_of(self) -> list[str]:
        """The absent people who may decide, and for whom the actor stands in."""
        return [login for login, role in self._represented.items() if role >= LEAST_ROLE[Permission.DECIDE]]

    @property
    def people(self) -> frozenset[str]:
        """Everybody who is one person with the actor: four eyes want two who do not stand in for one another."""
        return frozenset({self.actor, *self._represented})

    def note(self, chain: str | UUID, entry: Entry, *, once: str | None = None) -> None:
        """Write an entry to a chain in the actor's name (`audit.append`); a person's says for whom it was done."""
        if isinstance(entry, ByPerson):
            entry = entry.model_copy(update={"on_behalf_of": self.on_behalf_of})
        audit.append(self.session, chain=chain, entry=entry, actor=self.actor, at=self.now, once=once)

    def note_each(self, entries: Mapping[str, Entry]) -> None:
        """Write to each of many chains its entry, by a few statements."""
        audit.append_to_each(self.session, entries, actor=self.actor, at=self.now)


async def acting(
    engine: Engine, actor: str, work: Callable[Concatenate[Act, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Do `work` in `actor`'s name, now, in a transaction of its own, off the event loop."""

    def run(session: Session) -> R:
        return work(Act(session, actor, datetime.now(UTC)), *args, **kwargs)

    return await in_transaction(engine, run)
