"""Accounting profiles and their Credit Hold page: what people and service holds put there and take away.

Everything locks the profile first. The credit status is derived: credit hold while an entry blocks all tariffs. An
entry with a hold behind it is ended by that hold's release alone.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit import credit_limit
from credit.audit_entries.entry import Entry
from credit.audit_entries.freight import (
    Blocked,
    CreditHoldOverridden,
    CreditHoldTakenOver,
    CreditLimitChanged,
    TariffsBlocked,
    TariffsUnblocked,
)
from credit.credit_hold import BLOCK_ALL_TARIFFS, BlockSource, CreditStatus
from credit.credit_limit import LimitCause
from db import customers, policies
from db.act import Act
from db.errors import BadInputError, EntryOfHoldError, UnknownEntryError
from db.freight import credit_limits
from db.models import AccountingProfile, CreditHoldEntry, Hold


def get(session: Session, customer_id: str) -> AccountingProfile:
    """Return a customer's profile; a fresh one, not kept, where it has none yet.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    customers.get(session, customer_id)
    kept = session.get(AccountingProfile, customer_id, populate_existing=True)
    return kept or AccountingProfile(customer_id=customer_id, credit_status=CreditStatus.GOOD)


def entries(session: Session, customer_id: str) -> Sequence[CreditHoldEntry]:
    """Return the live entries of a customer's Credit Hold page, the oldest first."""
    live = select(CreditHoldEntry).where(CreditHoldEntry.customer_id == customer_id, CreditHoldEntry.ended_at.is_(None))
    return session.scalars(live.order_by(CreditHoldEntry.created_at, CreditHoldEntry.id)).all()


def set_limit(act: Act, customer_id: str, limit: Decimal | None) -> None:
    """Change the credit limit, None for no limit, and do what a crossing asks for.

    Raises:
        UnknownCustomerError: there is no such customer.
        BadInputError: the limit is below zero.
    """
    if limit is not None and limit < 0:
        raise BadInputError("the credit limit may not be negative; none is no limit")
    policies.for_amounts(act.session)
    profile = _lock(act.session, customer_id)
    if profile.credit_limit != limit:
        before, profile.credit_limit = profile.credit_limit, limit
        _audit(act, customer_id, CreditLimitChanged(before=before, after=limit))
    credit_limits.evaluate(act, [customer_id], cause=LimitCause.LIMIT)


def enter_credit_hold(act: Act, customer_id: str, *, note: str) -> None:
    """Set the status to Credit Hold: it makes the entry `Block All Tariffs`, unless a person's or the limit's is there.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    _lock(act.session, customer_id)
    if all(entry.tariffs is not None or entry.hold_id is not None for entry in entries(act.session, customer_id)):
        _add(act, customer_id, BlockSource.MANUAL, note=note)


def leave_credit_hold(act: Act, customer_id: str, *, reason: str) -> list[UUID]:
    """Take the customer out of Credit Hold: exactly the entries that block all tariffs go, named tariffs' stay.

    Returns the service holds whose blocks are left: only their release ends those.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    profile = _lock(act.session, customer_id)
    blocking = [entry for entry in entries(act.session, customer_id) if entry.tariffs is None]
    for entry in blocking:
        if entry.hold_id is None:
            _end(act, entry, reason=reason)
    _settle(act, profile, reason=reason)
    return [entry.hold_id for entry in blocking if entry.hold_id is not None]


def add_entry(act: Act, customer_id: str, *, tariffs: Collection[str] | None, note: str) -> CreditHoldEntry:
    """Block these tariffs, or all for None, which is a credit hold. One that blocks the same already is returned.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    _lock(act.session, customer_id)
    named = sorted(set(tariffs)) if tariffs is not None else None
    for entry in entries(act.session, customer_id):
        if entry.source is BlockSource.MANUAL and entry.tariffs == named:
            return entry
    return _add(act, customer_id, BlockSource.MANUAL, tariffs=named, note=note)


def end_entry(act: Act, customer_id: str, entry_id: UUID, *, reason: str) -> CreditHoldEntry:
    """Delete one entry, which lifts its block. It is kept in the record.

    Raises:
        UnknownCustomerError: there is no such customer.
        UnknownEntryError: the customer has no such live entry.
        EntryOfHoldError: a service hold made it.
    """
    profile = _lock(act.session, customer_id)
    entry = next((row for row in entries(act.session, customer_id) if row.id == entry_id), None)
    if entry is None:
        raise UnknownEntryError(customer_id, entry_id)
    if entry.hold_id is not None:
        raise EntryOfHoldError(customer_id, entry.hold_id)
    _end(act, entry, reason=reason)
    _settle(act, profile, reason=reason)
    return entry


def block_for_hold(act: Act, hold: Hold) -> None:
    """Block all tariffs for a hold, once: what auto-apply blocked before becomes the hold's block."""
    _lock(act.session, hold.customer_id)
    live = entries(act.session, hold.customer_id)
    if any(entry.hold_id == hold.id for entry in live):
        return
    applied = next((entry for entry in live if entry.source is BlockSource.AUTO_APPLY), None)
    if applied is None:
        _add(
            act.by_system,
            hold.customer_id,
            BlockSource.SERVICE_HOLD,
            note=f"service hold: {hold.reason}",
            hold_id=hold.id,
        )
        return
    applied.hold_id = hold.id
    taken_over = _blocked(
        CreditHoldTakenOver, applied, "the service hold was approved: only its release lifts the block"
    )
    _audit_block(act.by_system, hold.customer_id, taken_over)


def lift_for_hold(act: Act, hold: Hold, *, reason: str) -> None:
    """End a hold's block. Others stay, and keep the customer on credit hold; an exceeded limit's is proposed anew."""
    profile = _lock(act.session, hold.customer_id)
    for entry in entries(act.session, hold.customer_id):
        if entry.hold_id == hold.id:
            _end(act, entry, reason=reason)
    _settle(act, profile, reason=reason)
    credit_limits.stand(act.by_system, [hold.customer_id], cause=LimitCause.RELEASE, ask_again=True)


def lift_auto_applied(act: Act, customer_id: str, *, reason: str) -> None:
    """End what auto-apply blocked, as an override; nothing where it blocks nothing, or a hold has taken it over."""
    profile = _lock(act.session, customer_id)
    for entry in entries(act.session, customer_id):
        if entry.source is BlockSource.AUTO_APPLY and entry.hold_id is None:
            _end(act, entry, reason=reason)
    _settle(act, profile, reason=reason)


def exempt(act: Act, customer_id: str, *, reason: str) -> UUID | None:
    """End what auto-apply blocked, for an exemption: no override, for the block comes back with the exemption's end.

    Returns the service hold that keeps its block: only its release ends that.
    """
    profile = _lock(act.session, customer_id)
    live = entries(act.session, customer_id)
    for entry in live:
        if entry.source is BlockSource.AUTO_APPLY and entry.hold_id is None:
            _end(act, entry, reason=reason)
    credit_limits.derive_status(act.session, [customer_id])
    act.session.expire(profile)
    return next((entry.hold_id for entry in live if entry.hold_id is not None), None)


def _lock(session: Session, customer_id: str) -> AccountingProfile:
    """Lock the profile, making it first where there is none; in a family in the order that `evaluate` keeps."""
    customers.get(session, customer_id)
    credit_limits.lock(session, [customer_id])
    return session.get_one(AccountingProfile, customer_id, populate_existing=True)


def _add(
    act: Act,
    customer_id: str,
    source: BlockSource,
    *,
    note: str,
    tariffs: list[str] | None = None,
    hold_id: UUID | None = None,
) -> CreditHoldEntry:
    entry = CreditHoldEntry(
        customer_id=customer_id,
        source=source,
        tariffs=tariffs,
        note=note,
        hold_id=hold_id,
        created_by=act.actor,
        created_at=act.now,
    )
    act.session.add(entry)
    credit_limits.derive_status(act.session, [customer_id])
    _audit_block(act, customer_id, _blocked(TariffsBlocked, entry, note))
    return entry


def _end(act: Act, entry: CreditHoldEntry, *, reason: str) -> None:
    entry.ended_at, entry.ended_by, entry.end_reason = act.now, act.actor, reason
    _audit_block(act, entry.customer_id, _blocked(TariffsUnblocked, entry, reason))


def _settle(act: Act, profile: AccountingProfile, *, reason: str) -> None:
    """Derive the status after entries ended. Out of credit hold while the limit is exceeded is an override."""
    before = profile.credit_status
    credit_limits.derive_status(act.session, [profile.customer_id])
    act.session.refresh(profile)
    left = before is not profile.credit_status is CreditStatus.GOOD
    if credit_limit.is_override(profile.limit_state, left_credit_hold=left):
        profile.overridden_at, profile.overridden_by, profile.override_reason = act.now, act.actor, reason
        act.session.flush()
        exposure, limit = profile.exposure, profile.credit_limit
        overridden = CreditHoldOverridden(why=reason, exposure=exposure, credit_limit=limit)
        _audit(act, profile.customer_id, overridden)


def _blocked(kind: type[Blocked], row: CreditHoldEntry, why: str) -> Blocked:
    blocked = BLOCK_ALL_TARIFFS if row.tariffs is None else ", ".join(row.tariffs)
    return kind(entry=row.id, blocked=blocked, source=row.source, hold_id=row.hold_id, why=why)


def _audit_block(act: Act, customer_id: str, entry: Blocked) -> None:
    """Write it down for the customer, and for the service hold that it belongs to."""
    _audit(act, customer_id, entry)
    if entry.hold_id is not None:
        act.note(entry.hold_id, entry)


def _audit(act: Act, customer_id: str, entry: Entry) -> None:
    act.note(credit_limits.chain_of(customer_id), entry)
