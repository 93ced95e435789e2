"""Accounting profiles and Credit Hold pages as callers ask for them: what they may, and what they are answered."""

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.credit_hold import CreditStatus
from credit.permissions import Permission, Role
from db.engine import in_transaction
from db.freight import credit_hold_page
from db.models import CreditHoldEntry
from db.people.tokens import Caller
from services.freight import answers
from services.freight.credit_hold import UNSET, CreditHoldOperations, Unset

IN_THE_PROFILE = "changed in the accounting profile"
ON_THE_PAGE = "deleted from the Credit Hold page"
"""What is written down where nobody said why."""


class Profiles:
    """What can be asked about customers' credit. Every method refuses a caller whose role does not reach."""

    def __init__(self, engine: Engine, operations: CreditHoldOperations) -> None:
        self._engine = engine
        self._operations = operations

    async def show(self, who: Caller, customer_id: str) -> answers.Profile:
        """Return the accounting profile.

        Raises:
            UnknownCustomerError: there is no such customer.
        """
        who.require(Permission.LOOK)
        return await in_transaction(self._engine, answers.Profile.of, customer_id, datetime.now(UTC))

    async def set(
        self,
        who: Caller,
        customer_id: str,
        *,
        credit_status: CreditStatus | None = None,
        credit_limit: Decimal | Unset | None = UNSET,
        reason: str = "",
    ) -> answers.Profile | answers.ReleasedProfile:
        """Change the profile and return it, with `release` where a service hold keeps the customer on credit hold.

        Raises:
            As `CreditHoldOperations.set_profile`.
        """
        who.require(Permission.CHANGE_ACCOUNTING_PROFILE)
        changed = await self._operations.set_profile(
            customer_id,
            credit_status=credit_status,
            credit_limit=credit_limit,
            reason=reason.strip() or IN_THE_PROFILE,
            actor=who.name,
            is_admin=who.role is Role.ADMIN,
            may_decide=who.may(Permission.DECIDE),
        )
        profile = await self.show(who, customer_id)
        if changed.released is None or changed.hold_id is None:
            return profile
        release = answers.Release(hold_id=changed.hold_id, status=changed.released)
        return answers.ReleasedProfile(**dict(profile), release=release)

    async def entries(self, who: Caller, customer_id: str) -> answers.Entries:
        """Return the live entries of the Credit Hold page.

        Raises:
            UnknownCustomerError: there is no such customer.
        """
        return answers.Entries(entries=(await self.show(who, customer_id)).entries)

    async def block(
        self, who: Caller, customer_id: str, *, tariffs: Collection[str] | None, note: str
    ) -> tuple[answers.MadeEntry, bool]:
        """Block these tariffs, or all for None; returns the entry, with `warnings`, and whether it is new.

        Raises:
            As `CreditHoldOperations.add_entry`.
        """
        who.require(Permission.CHANGE_ACCOUNTING_PROFILE)
        began = datetime.now(UTC)
        made = await self._operations.add_entry(customer_id, tariffs=tariffs, note=note, actor=who.name)

        def read(session: Session) -> tuple[answers.MadeEntry, bool]:
            row = session.get_one(CreditHoldEntry, made.entry_id)
            is_new = row.created_by == who.name and row.created_at >= began
            return answers.MadeEntry.made(session, row), is_new

        return await in_transaction(self._engine, read)

    async def unblock(
        self, who: Caller, customer_id: str, entry_id: UUID, *, reason: str = ""
    ) -> answers.Deleted | answers.ReleaseAsked:
        """Delete an entry. A service hold's stays until its release.

        Who may only propose holds may propose that release.

        Raises:
            As `CreditHoldOperations.delete_entry`.
        """
        entry = await in_transaction(self._engine, credit_hold_page.live, customer_id, entry_id)
        may = Permission.START_HOLD if entry.hold_id is not None else Permission.CHANGE_ACCOUNTING_PROFILE
        who.require(may)
        changed = await self._operations.delete_entry(
            customer_id,
            entry_id,
            reason=reason.strip() or ON_THE_PAGE,
            actor=who.name,
            is_admin=who.role is Role.ADMIN,
            may_decide=who.may(Permission.DECIDE),
        )
        if changed.released is None or changed.hold_id is None:
            return answers.Deleted(id=entry_id)
        return answers.ReleaseAsked(id=entry_id, hold_id=changed.hold_id, status=changed.released)
