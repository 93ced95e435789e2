"""Accounting profiles and Credit Hold pages as people change them. The authority behind the HTTP API and the desk.

A block that a service hold made is lifted by that hold's release alone: who may decide decides it in the same step,
anybody else proposes it (freight spec; by no way round the record).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.credit_hold import CreditStatus
from credit.states import HoldStatus, ProposalKind, ProposalStatus, ReleaseCause
from db import customers
from db.engine import in_transaction
from db.errors import BadInputError, EntryOfHoldError
from db.freight import accounting_profiles
from db.holds import by_hand, holds, releases
from db.models import Decision, Hold
from services.holds.outcomes import OutcomeOperations


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""A credit limit that is left as it is; None is "no limit"."""

Released = Literal["approved", "proposed"]


@dataclass(frozen=True)
class Changed:
    """What became of a change; who wants the profile or the entries as they are now reads them."""

    customer_id: str
    entry_id: UUID | None = None
    """The entry that was made, found or deleted."""
    released: Released | None = None
    """With a service hold's block: whether its release is approved, or proposed and waits for an approver."""
    hold_id: UUID | None = None
    """The service hold whose release that is."""


@dataclass(frozen=True)
class _Asked:
    """A service hold's release that was asked for; `made` is what an override wrote."""

    hold: Hold
    released: Released
    made: by_hand.Overridden | None = None


@dataclass(frozen=True)
class _Written:
    """What a transaction did."""

    entry_id: UUID | None = None
    asked: _Asked | None = None


class CreditHoldOperations:
    """What people change about customers' credit, on one database and one Temporal namespace.

    Who may call is for the caller to check (`Permission.CHANGE_ACCOUNTING_PROFILE`). `may_decide` says whether the
    actor may decide about holds (`Permission.DECIDE`), `is_admin` whether four eyes are waived as for every admin.

    Every method is one transaction: where it raises, nothing was changed. Every method raises:
        UnknownCustomerError: there is no such customer.
        BadInputError: no reason, or a value that makes no sense.
    """

    def __init__(self, engine: Engine, outcomes: OutcomeOperations) -> None:
        self._engine = engine
        self._outcomes = outcomes

    async def set_profile(
        self,
        customer_id: str,
        *,
        credit_status: CreditStatus | None = None,
        credit_limit: Decimal | Unset | None = UNSET,
        reason: str,
        actor: str,
        is_admin: bool,
        may_decide: bool,
    ) -> Changed:
        """Change the credit limit, the credit status, or both; what is not given, or is so already, stays.

        Credit Hold makes the entry `Block All Tariffs`; Good deletes every entry for all tariffs, and where a service
        hold made one asks for its release: until that is carried out the customer stays on credit hold.

        Args:
            customer_id: whose.
            credit_status: None to leave it.
            credit_limit: in the ledger's currency; None for no limit, `UNSET` to leave it.
            reason: becomes the entry's note, the override's and the release's reason.
            actor: who.
            is_admin: see the class.
            may_decide: see the class.

        Raises:
            ClaimedByAnotherError: somebody is deciding about the service hold.
            SelfApprovalError, SecondApproverError: the rules of every approval.
        """
        _needs_reason(reason)

        def write(session: Session, now: datetime) -> _Written:
            hold = holds.open_of(session, customer_id)  # before the profile's lock, like everything that takes both
            if credit_limit is not UNSET:
                accounting_profiles.set_limit(session, customer_id, credit_limit, actor=actor, now=now)
            status = accounting_profiles.get(session, customer_id).credit_status
            if credit_status is CreditStatus.CREDIT_HOLD and status is not credit_status:
                accounting_profiles.enter_credit_hold(session, customer_id, note=reason, actor=actor, now=now)
            if credit_status is CreditStatus.GOOD and status is not credit_status:
                left = accounting_profiles.leave_credit_hold(session, customer_id, reason=reason, actor=actor, now=now)
                if hold is not None and hold.id in left:
                    return _Written(asked=ask(session, hold, now))
            return _Written()

        ask = partial(_ask_for_release, reason=reason, actor=actor, is_admin=is_admin, may_decide=may_decide)
        return await self._write(customer_id, write, reason=reason, actor=actor)

    async def add_entry(self, customer_id: str, *, tariffs: Collection[str] | None, note: str, actor: str) -> Changed:
        """Block these tariffs, or all for None, which is a credit hold; an entry that does so already is found.

        Returns the entry's id. The note tells other users why.
        """
        _needs_reason(note)

        def write(session: Session, now: datetime) -> _Written:
            entry = accounting_profiles.add_entry(
                session, customer_id, tariffs=tariffs, note=note, actor=actor, now=now
            )
            return _Written(entry_id=entry.id)

        return await self._write(customer_id, write, reason=note, actor=actor)

    async def delete_entry(
        self, customer_id: str, entry_id: UUID, *, reason: str, actor: str, is_admin: bool, may_decide: bool
    ) -> Changed:
        """Delete an entry, which lifts its block; where a service hold made it, ask for the hold's release instead.

        `released` tells: None for an entry that is gone, else the entry stays until the release is carried out.

        Raises:
            UnknownEntryError: the customer has no such live entry.
            ClaimedByAnotherError, SelfApprovalError, SecondApproverError: as `set_profile`.
        """
        _needs_reason(reason)

        def write(session: Session, now: datetime) -> _Written:
            hold = holds.open_of(session, customer_id)
            try:
                accounting_profiles.end_entry(session, customer_id, entry_id, reason=reason, actor=actor, now=now)
            except EntryOfHoldError as error:
                if hold is None or hold.id != error.hold_id:
                    raise
                return _Written(entry_id=entry_id, asked=ask(session, hold, now))
            return _Written(entry_id=entry_id)

        ask = partial(_ask_for_release, reason=reason, actor=actor, is_admin=is_admin, may_decide=may_decide)
        return await self._write(customer_id, write, reason=reason, actor=actor)

    async def _write(
        self, customer_id: str, write: Callable[[Session, datetime], _Written], *, reason: str, actor: str
    ) -> Changed:
        """Change rows in one transaction, then tell the hold whose release that asked for."""

        def run(session: Session) -> _Written:
            customers.get(session, customer_id)
            return write(session, datetime.now(UTC))

        written = await in_transaction(self._engine, run)
        asked = written.asked
        if asked is None:
            return Changed(customer_id, entry_id=written.entry_id)
        if asked.made is not None:
            await self._outcomes.hand_over(asked.made, asked.hold, reason=reason, actor=actor)
        elif asked.released == "proposed":
            await self._outcomes.tell(asked.hold, "credit hold entry", reason, actor)
        return Changed(customer_id, entry_id=written.entry_id, released=asked.released, hold_id=asked.hold.id)


def _ask_for_release(
    session: Session, hold: Hold, now: datetime, *, reason: str, actor: str, is_admin: bool, may_decide: bool
) -> _Asked:
    """Propose a hold's release and, where the actor may decide, approve it in the same step; once is enough."""
    newest = holds.newest_proposal(session, hold.id)
    approved = newest.kind is ProposalKind.RELEASE and newest.status is ProposalStatus.APPROVED
    if hold.status is HoldStatus.RELEASING or approved:
        return _Asked(hold, "approved")
    if may_decide:
        made = by_hand.override(session, hold, reason=reason, actor=actor, is_admin=is_admin, now=now)
        return _Asked(hold, "approved" if isinstance(made, Decision) else "proposed", made)
    releases.request(
        session,
        hold_id=hold.id,
        request_id=f"credit-hold/{uuid4()}",
        cause=ReleaseCause.PERSON,
        reason=reason,
        actor=actor,
        asked_at=now,
        now=now,
    )
    return _Asked(hold, "proposed")


def _needs_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInputError("say why: other users read it, and it is kept in the record")
