"""The same as `starter.cli.desk_profiles`, on the database, where no desk is configured."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Engine

from credit.permissions import Permission
from db.engine import transaction
from db.freight import org_settings
from db.people.tokens import Caller
from services.answers import Answer, Document
from services.freight import answers

if TYPE_CHECKING:  # Temporal's library is slow to load: only where it is used
    from collections.abc import Awaitable, Callable

    from services.freight.profiles import Profiles


class DirectProfiles:
    """Accounting profiles, Credit Hold pages and organisations, asked in one caller's name."""

    def __init__(self, engine: Engine, caller: Caller, profiles: "Callable[[], Awaitable[Profiles]]") -> None:
        self._engine = engine
        self._caller = caller
        self._profiles = profiles

    def show(self, customer_id: str) -> Document:
        """Return the accounting profile."""
        return self._work(lambda work: work.show(self._caller, customer_id))

    def set(self, customer_id: str, changes: Mapping[str, Any], *, reason: str) -> Document:
        """Change `credit_status`, `credit_limit`, or both; returns the profile."""
        return self._work(lambda work: work.set(self._caller, customer_id, **changes, reason=reason))

    def entries(self, customer_id: str) -> Document:
        """List the live entries of the Credit Hold page."""
        return self._work(lambda work: work.entries(self._caller, customer_id))

    def block(self, customer_id: str, *, tariffs: Sequence[str] | None, note: str) -> Document:
        """Block these tariffs, or all for None; returns the entry."""

        async def block(work: "Profiles") -> Answer:
            made, _ = await work.block(self._caller, customer_id, tariffs=tariffs, note=note)
            return made

        return self._work(block)

    def unblock(self, customer_id: str, entry_id: str, *, reason: str) -> Document:
        """Delete an entry, or ask for the release of its service hold."""
        return self._work(lambda work: work.unblock(self._caller, customer_id, UUID(entry_id), reason=reason))

    def organisations(self) -> Document:
        """List organisations with their settings."""
        self._caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            return answers.Organisations.of(org_settings.listed(session)).document()

    def organisation(self, name: str) -> Document:
        """Return one organisation's settings."""
        self._caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            return answers.Organisation.of_row(org_settings.get(session, name)).document()

    def set_organisation(self, name: str, changes: Mapping[str, Any]) -> Document:
        """Change some settings of an organisation."""
        self._caller.require(Permission.CHANGE_POLICY)
        now = datetime.now(UTC)
        with transaction(self._engine) as session:
            row = org_settings.change(session, name, changes, actor=self._caller.name, now=now)
            return answers.Organisation.of_row(row).document()

    def _work(self, act: "Callable[[Profiles], Awaitable[Answer]]") -> Document:
        async def run() -> Document:
            return (await act(await self._profiles())).document()

        return asyncio.run(run())
