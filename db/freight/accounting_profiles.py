"""Accounting profiles and their Credit Hold page: what people and service holds put there and take away.

Everything locks the profile first. The credit status is derived: credit hold while an entry blocks all tariffs. An
entry with a hold behind it is ended by that hold's release alone.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
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
from db import audit, customers, policies
from db.errors import BadInputError, EntryOfHoldError, UnknownEntryError
from db.freight import credit_limits
from db.models import AccountingProfile, CreditHoldEntry, Hold

_SYSTEM_ACTOR = "service-holds"


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


def set_limit(session: Session, customer_id: str, limit: Decimal | None, *, actor: str, now: datetime) -> None:
    """Change the credit limit, None for no limit, and do what a crossing asks for.

    Raises:
        UnknownCustomerError: there is no such customer.
        BadInputError: the limit is below zero.
    """
    if limit is not None and limit < 0:
        raise BadInputError("credit_limit may not be negative; null is no limit")
    policies.for_amounts(session)
    profile = _lock(session, customer_id)
    if profile.credit_limit != limit:
        before, profile.credit_limit = profile.credit_limit, limit
        _audit(session, customer_id, CreditLimitChanged(before=before, after=limit), actor=actor, now=now)
    credit_limits.evaluate(session, [customer_id], cause=LimitCause.LIMIT, actor=actor, now=now)


def enter_credit_hold(session: Session, customer_id: str, *, note: str, actor: str, now: datetime) -> None:
    """Set the status to Credit Hold: it makes the entry `Block All Tariffs`, unless a person's or the limit's is there.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    _lock(session, customer_id)
    if all(entry.tariffs is not None or entry.hold_id is not None for entry in entries(session, customer_id)):
        _add(session, customer_id, BlockSource.MANUAL, note=note, actor=actor, now=now)


def leave_credit_hold(session: Session, customer_id: str, *, reason: str, actor: str, now: datetime) -> list[UUID]:
    """Take the customer out of Credit Hold: exactly the entries that block all tariffs go, named tariffs' stay.

    Returns the service holds whose blocks are left: only their release ends those.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    profile = _lock(session, customer_id)
    blocking = [entry for entry in entries(session, customer_id) if entry.tariffs is None]
    for entry in blocking:
        if entry.hold_id is None:
            _end(session, entry, reason=reason, actor=actor, now=now)
    _settle(session, profile, reason=reason, actor=actor, now=now)
    return [entry.hold_id for entry in blocking if entry.hold_id is not None]


def add_entry(
    session: Session, customer_id: str, *, tariffs: Collection[str] | None, note: str, actor: str, now: datetime
) -> CreditHoldEntry:
    """Block these tariffs, or all for None, which is a credit hold. One that blocks the same already is returned.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    _lock(session, customer_id)
    named = sorted(set(tariffs)) if tariffs is not None else None
    for entry in entries(session, customer_id):
        if entry.source is BlockSource.MANUAL and entry.tariffs == named:
            return entry
    return _add(session, customer_id, BlockSource.MANUAL, tariffs=named, note=note, actor=actor, now=now)


def end_entry(
    session: Session, customer_id: str, entry_id: UUID, *, reason: str, actor: str, now: datetime
) -> CreditHoldEntry:
    """Delete one entry, which lifts its block. It is kept in the record.

    Raises:
        UnknownCustomerError: there is no such customer.
        UnknownEntryError: the customer has no such live entry.
        EntryOfHoldError: a service hold made it.
    """
    profile = _lock(session, customer_id)
    entry = next((row for row in entries(session, customer_id) if row.id == entry_id), None)
    if entry is None:
        raise UnknownEntryError(customer_id, entry_id)
    if entry.hold_id is not None:
        raise EntryOfHoldError(customer_id, entry.hold_id)
    _end(session, entry, reason=reason, actor=actor, now=now)
    _settle(session, profile, reason=reason, actor=actor, now=now)
    return entry


def block_for_hold(session: Session, hold: Hold, now: datetime) -> None:
    """Block all tariffs for a hold, once: what auto-apply blocked before becomes the hold's block."""
    _lock(session, hold.customer_id)
    live = entries(session, hold.customer_id)
    if any(entry.hold_id == hold.id for entry in live):
        return
    applied = next((entry for entry in live if entry.source is BlockSource.AUTO_APPLY), None)
    if applied is None:
        _add(
            session,
            hold.customer_id,
            BlockSource.SERVICE_HOLD,
            note=f"service hold: {hold.reason}",
            hold_id=hold.id,
            actor=_SYSTEM_ACTOR,
            now=now,
        )
        return
    applied.hold_id = hold.id
    taken_over = _blocked(
        CreditHoldTakenOver, applied, "the service hold was approved: only its release lifts the block"
    )
    _audit_block(session, hold.customer_id, taken_over, actor=_SYSTEM_ACTOR, now=now)


def lift_for_hold(session: Session, hold: Hold, *, reason: str, actor: str, now: datetime) -> None:
    """End a hold's block. Others stay, and keep the customer on credit hold."""
    profile = _lock(session, hold.customer_id)
    for entry in entries(session, hold.customer_id):
        if entry.hold_id == hold.id:
            _end(session, entry, reason=reason, actor=actor, now=now)
    _settle(session, profile, reason=reason, actor=actor, now=now)


def lift_auto_applied(session: Session, customer_id: str, *, reason: str, actor: str, now: datetime) -> None:
    """End what auto-apply blocked, as an override; nothing where it blocks nothing, or a hold has taken it over."""
    profile = _lock(session, customer_id)
    for entry in entries(session, customer_id):
        if entry.source is BlockSource.AUTO_APPLY and entry.hold_id is None:
            _end(session, entry, reason=reason, actor=actor, now=now)
    _settle(session, profile, reason=reason, actor=actor, now=now)


def _lock(session: Session, customer_id: str) -> AccountingProfile:
    """Lock the profile, making it first where there is none; in a family in the order that `evaluate` keeps."""
    customers.get(session, customer_id)
    credit_limits.lock(session, [customer_id])
    return session.get_one(AccountingProfile, customer_id, populate_existing=True)


def _add(
    session: Session,
    customer_id: str,
    source: BlockSource,
    *,
    note: str,
    actor: str,
    now: datetime,
    tariffs: list[str] | None = None,
    hold_id: UUID | None = None,
) -> CreditHoldEntry:
    entry = CreditHoldEntry(
        customer_id=customer_id,
        source=source,
        tariffs=tariffs,
        note=note,
        hold_id=hold_id,
        created_by=actor,
        created_at=now,
    )
    session.add(entry)
    credit_limits.derive_status(session, [customer_id])
    _audit_block(session, customer_id, _blocked(TariffsBlocked, entry, note), actor=actor, now=now)
    return entry


def _end(session: Session, entry: CreditHoldEntry, *, reason: str, actor: str, now: datetime) -> None:
    entry.ended_at, entry.ended_by, entry.end_reason = now, actor, reason
    _audit_block(session, entry.customer_id, _blocked(TariffsUnblocked, entry, reason), actor=actor, now=now)


def _settle(session: Session, profile: AccountingProfile, *, reason: str, actor: str, now: datetime) -> None:
    """Derive the status after entries ended. Out of credit hold while the limit is exceeded is an override."""
    before = profile.credit_status
    credit_limits.derive_status(session, [profile.customer_id])
    session.refresh(profile)
    left = before is not profile.credit_status is CreditStatus.GOOD
    if credit_limit.is_override(profile.limit_state, left_credit_hold=left):
        profile.overridden_at, profile.overridden_by, profile.override_reason = now, actor, reason
        session.flush()
        exposure, limit = profile.exposure, profile.credit_limit
        overridden = CreditHoldOverridden(why=reason, exposure=exposure, credit_limit=limit)
        _audit(session, profile.customer_id, overridden, actor=actor, now=now)


def _blocked(kind: type[Blocked], row: CreditHoldEntry, why: str) -> Blocked:
    blocked = BLOCK_ALL_TARIFFS if row.tariffs is None else ", ".join(row.tariffs)
    return kind(entry=row.id, blocked=blocked, source=row.source, hold_id=row.hold_id, why=why)


def _audit_block(session: Session, customer_id: str, entry: Blocked, *, actor: str, now: datetime) -> None:
    """Write it down for the customer, and for the service hold that it belongs to."""
    _audit(session, customer_id, entry, actor=actor, now=now)
    if entry.hold_id is not None:
        audit.append(session, chain=entry.hold_id, entry=entry, actor=actor, at=now)


def _audit(session: Session, customer_id: str, entry: Entry, *, actor: str, now: datetime) -> None:
    audit.append(session, chain=credit_limits.chain_of(customer_id), entry=entry, actor=actor, at=now)
