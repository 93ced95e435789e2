"""Exemptions from automatic holds: granted, ended early, listed. Each change is audited with before and after."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from credit.audit_entries.receivables import ExemptionEnded, ExemptionGranted, ExemptionState
from credit.credit_limit import LimitCause, LimitState
from db import audit, customers, exempt
from db.act import Act
from db.errors import AlreadyExemptError, BadInputError, NotExemptError
from db.freight import accounting_profiles, credit_limits
from db.models import AccountingProfile, Customer, Exemption
from db.reasons import needs_reason


def until_sql(customer_id: Any, day: date | ColumnElement[date]) -> ColumnElement[Any]:
    """Build the last day of the exemption that counts on `day`; null where there is none."""
    counts = select(func.max(Exemption.until)).where(Exemption.customer_id == customer_id, exempt.counts_on(day))
    return counts.scalar_subquery()


def grant(act: Act, customer_id: str, *, owner: str, reason: str, until: date) -> tuple[Exemption, UUID | None]:
    """Exempt a customer from automatic holds up to and including the day `until` (UTC): auto-apply's block is lifted.

    Returns also the service hold that keeps the customer blocked: a person approved it, and only its release ends it.

    Raises:
        UnknownCustomerError: there is no such customer.
        BadInputError: `until` is over, or nobody or nothing answers for it.
        AlreadyExemptError: the customer is exempt already.
    """
    customers.lock(act.session, customer_id)
    if until < exempt.day_of(act.now):
        raise BadInputError(f"the exemption would end on {until}, which is over: give today or a later day")
    if not owner.strip():
        raise BadInputError("an exemption needs an owner, who answers for it")
    needs_reason(reason)
    current = active(act.session, customer_id, act.now)
    if current is not None:
        raise AlreadyExemptError(customer_id, current.owner, current.until)
    granted = Exemption(
        customer_id=customer_id, owner=owner, reason=reason, until=until, created_by=act.actor, created_at=act.now
    )
    act.session.add(granted)
    act.session.flush()
    lifted = f"exempt from automatic holds until {until}: {reason}"
    kept_by = accounting_profiles.exempt(act, customer_id, reason=lifted)
    after = _state(granted)
    entry = ExemptionGranted(
        customer_id=customer_id, exemption_id=granted.id, before=None, after=after, why=reason, kept_by=kept_by
    )
    act.note(audit.SYSTEM, entry)
    return granted, kept_by


def end(act: Act, customer_id: str, *, reason: str) -> Exemption:
    """End a customer's exemption before its last day: what it kept from being blocked is blocked and proposed.

    Raises:
        UnknownCustomerError: there is no such customer.
        NotExemptError: no exemption counts today.
        BadInputError: no reason is given.
    """
    needs_reason(reason)
    customers.lock(act.session, customer_id)
    current = active(act.session, customer_id, act.now)
    if current is None:
        raise NotExemptError(customer_id)
    before = _state(current)
    current.ended_at, current.ended_by, current.end_reason = act.now, act.actor, reason
    act.session.flush()
    credit_limits.lock(act.session, [customer_id])
    credit_limits.stand(act.by_system, [customer_id], cause=LimitCause.EXEMPTION)
    entry = ExemptionEnded(
        customer_id=customer_id, exemption_id=current.id, before=before, after=_state(current), why=reason
    )
    act.note(audit.SYSTEM, entry)
    return current


def settle_over(act: Act) -> None:
    """Block and propose whom an exemption that has passed its last day kept from it. Repeated, it does nothing."""
    beyond = select(AccountingProfile.customer_id).where(
        AccountingProfile.limit_state == LimitState.EXCEEDED, AccountingProfile.overridden_at.is_(None)
    )
    over = select(Exemption.customer_id).where(
        Exemption.until < exempt.day_of(act.now), Exemption.ended_at.is_(None), Exemption.customer_id.in_(beyond)
    )
    customer_ids = set(act.session.scalars(over))
    if customer_ids:
        credit_limits.lock(act.session, customer_ids)
        credit_limits.stand(act, customer_ids, cause=LimitCause.EXEMPTION)


def active(session: Session, customer_id: str, now: datetime) -> Exemption | None:
    return active_of(session, [customer_id], now).get(customer_id)


def active_of(session: Session, customer_ids: Collection[str], now: datetime) -> dict[str, Exemption]:
    """Return the exemption that counts today of each of these customers that has one."""
    query = select(Exemption).where(Exemption.customer_id.in_(customer_ids), exempt.counts_on(exempt.day_of(now)))
    return {row.customer_id: row for row in session.scalars(query.order_by(Exemption.until))}


def listed(session: Session, now: datetime, *, over_too: bool = False) -> Sequence[tuple[Exemption, str]]:
    """Return exemptions with their customers' names, the next to end first; those that are over only on demand."""
    query = select(Exemption, Customer.name).join(Customer, Customer.id == Exemption.customer_id)
    if not over_too:
        query = query.where(exempt.counts_on(exempt.day_of(now)))
    rows = session.execute(query.order_by(Exemption.until, Exemption.customer_id, Exemption.created_at))
    return [(row.Exemption, row.name) for row in rows]


def _state(row: Exemption) -> ExemptionState:
    return ExemptionState(owner=row.owner, reason=row.reason, until=row.until, ended_at=row.ended_at)
