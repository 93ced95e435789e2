"""Accounting profiles and Credit Hold pages as people change them. The authority behind the HTTP API and the desk.

A block that a service hold made is lifted by that hold's release alone: who may decide decides it in the same step,
anybody else proposes it (freight spec; by no way round the record).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Concatenate, Final, Literal, NamedTuple, ParamSpec
from uuid import UUID, uuid4

from sqlalchemy import Engine

from credit.credit_hold import CreditStatus
from credit.states import HoldStatus, ProposalKind, ProposalStatus, ReleaseCause
from db import customers
from db.act import Act, acting
from db.errors import EntryOfHoldError
from db.freight import accounting_profiles
from db.holds import by_hand, holds, releases
from db.models import Decision, Hold
from db.reasons import needs_reason
from services.holds.outcomes import OutcomeOperations

P = ParamSpec("P")


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


class _Rights(NamedTuple):
    """What the actor may; see `CreditHoldOperations`."""

    is_admin: bool
    may_decide: bool


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
        rights = _Rights(is_admin, may_decide)
        return await self._write(actor, customer_id, reason, _set_profile, credit_status, credit_limit, rights)

    async def add_entry(self, customer_id: str, *, tariffs: Collection[str] | None, note: str, actor: str) -> Changed:
        """Block these tariffs, or all for None, which is a credit hold; an entry that does so already is found.

        Returns the entry's id. The note tells other users why.
        """
        return await self._write(actor, customer_id, note, _add_entry, tariffs)

    async def delete_entry(
        self, customer_id: str, entry_id: UUID, *, reason: str, actor: str, is_admin: bool, may_decide: bool
    ) -> Changed:
        """Delete an entry, which lifts its block; where a service hold made it, ask for the hold's release instead.

        `released` tells: None for an entry that is gone, else the entry stays until the release is carried out.

        Raises:
            UnknownEntryError: the customer has no such live entry.
            ClaimedByAnotherError, SelfApprovalError, SecondApproverError: as `set_profile`.
        """
        return await self._write(actor, customer_id, reason, _delete_entry, entry_id, _Rights(is_admin, may_decide))

    async def _write(
        self,
        actor: str,
        customer_id: str,
        reason: str,
        change: Callable[Concatenate[Act, str, str, P], _Written],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Changed:
        """Change rows in one transaction, then tell the hold whose release that asked for."""
        needs_reason(reason)
        written = await acting(self._engine, actor, change, customer_id, reason, *args, **kwargs)
        asked = written.asked
        if asked is None:
            return Changed(customer_id, entry_id=written.entry_id)
        if asked.made is not None:
            await self._outcomes.hand_over(asked.made, asked.hold, reason=reason, actor=actor)
        elif asked.released == "proposed":
            await self._outcomes.tell(asked.hold, "credit hold entry", reason, actor)
        return Changed(customer_id, entry_id=written.entry_id, released=asked.released, hold_id=asked.hold.id)


def _set_profile(
    act: Act,
    customer_id: str,
    reason: str,
    credit_status: CreditStatus | None,
    credit_limit: Decimal | Unset | None,
    rights: _Rights,
) -> _Written:
    customers.get(act.session, customer_id)
    hold = holds.open_of(act.session, customer_id)  # before the profile's lock, like everything that takes both
    if credit_limit is not UNSET:
        accounting_profiles.set_limit(act, customer_id, credit_limit)
    status = accounting_profiles.get(act.session, customer_id).credit_status
    if credit_status is CreditStatus.CREDIT_HOLD and status is not credit_status:
        accounting_profiles.enter_credit_hold(act, customer_id, note=reason)
    if credit_status is CreditStatus.GOOD and status is not credit_status:
        left = accounting_profiles.leave_credit_hold(act, customer_id, reason=reason)
        if hold is not None and hold.id in left:
            return _Written(asked=_ask_for_release(act, hold, reason, rights))
    return _Written()


def _add_entry(act: Act, customer_id: str, note: str, tariffs: Collection[str] | None) -> _Written:
    return _Written(accounting_profiles.add_entry(act, customer_id, tariffs=tariffs, note=note).id)


def _delete_entry(act: Act, customer_id: str, reason: str, entry_id: UUID, rights: _Rights) -> _Written:
    hold = holds.open_of(act.session, customer_id)
    try:
        accounting_profiles.end_entry(act, customer_id, entry_id, reason=reason)
    except EntryOfHoldError as error:
        if hold is None or hold.id != error.hold_id:
            raise
        return _Written(entry_id, _ask_for_release(act, hold, reason, rights))
    return _Written(entry_id)


def _ask_for_release(act: Act, hold: Hold, reason: str, rights: _Rights) -> _Asked:
    """Propose a hold's release and, where the actor may decide, approve it in the same step; once is enough."""
    newest = holds.newest_proposal(act.session, hold.id)
    approved = newest.kind is ProposalKind.RELEASE and newest.status is ProposalStatus.APPROVED
    if hold.status is HoldStatus.RELEASING or approved:
        return _Asked(hold, "approved")
    if rights.may_decide:
        made = by_hand.override(act, hold, reason=reason, is_admin=rights.is_admin)
        return _Asked(hold, "approved" if isinstance(made, Decision) else "proposed", made)
    releases.request(act, hold.id, f"credit-hold/{uuid4()}", ReleaseCause.PERSON, reason)
    return _Asked(hold, "proposed")
