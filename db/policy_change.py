"""Putting a new policy in force: checked, audited, and every limit state brought up to date with it."""

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from credit.audit_entries.system import PolicyChanged
from credit.mail_text import clean_address, clean_line
from credit.policy import DEFINES_EXPOSURE, Policy
from db import audit
from db.act import Act
from db.errors import BadInputError, CurrencyInUseError, StaleVersionError
from db.freight import exposures
from db.models import AccountingProfile, Credit, Hold, Invoice, Order, PolicyVersion
from db.policies import LEDGER_CURRENCY, newest


def change(act: Act, policy: Policy, *, note: str, changed: int | None = None) -> int:
    """Put a new version in force and return its number. Changes queue behind each other.

    Whether its numbers make sense is asked where they are typed (`credit.policy_change.require_bounds`).
    Where it defines exposure otherwise, every limit state is brought up to date in the same transaction, and no limit
    counts as crossed.

    Args:
        changed: the version that was read and changed; None to change whatever is in force.

    Raises:
        StaleVersionError: `changed` is not in force any more.
        BadInputError: a new name or address that mail cannot carry.
        CurrencyInUseError: another currency for a ledger that has amounts.
    """
    act.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("policies", 0))))
    version, before = newest(act.session)
    if changed is not None and changed != version:
        raise StaleVersionError("the policy", changed, version)
    _check_mail(policy, before)
    if policy.ledger_currency != before.ledger_currency:
        _require_no_amounts(act.session, before.ledger_currency, policy.ledger_currency)
    settings = policy.model_dump(mode="json")
    act.session.add(PolicyVersion(version=version + 1, settings=settings, note=note, created_by=act.actor))
    act.session.flush()
    newest(act.session)
    anew = [name for name in DEFINES_EXPOSURE if getattr(policy, name) != getattr(before, name)]
    entry = PolicyChanged(
        version=version + 1,
        why=note,
        before=before.model_dump(mode="json"),
        after=settings,
        limit_states_moved=exposures.judge_all_anew(act.session, policy) if anew else None,
    )
    act.note(audit.SYSTEM, entry)
    return version + 1


def _require_no_amounts(session: Session, before: str, wanted: str) -> None:
    """Refuse another currency where anything is kept in the one before; `for_amounts` waits for the answer."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(LEDGER_CURRENCY, 0))))
    limited = select(AccountingProfile.customer_id).where(AccountingProfile.credit_limit.is_not(None))
    kept = (select(Invoice.id), select(Credit.id), select(Order.id), select(Hold.id), limited)
    if session.scalar(select(or_(*(exists(rows) for rows in kept)))):
        raise CurrencyInUseError(before, wanted)


def _check_mail(policy: Policy, before: Policy) -> None:
    """Refuse what mail to the escalation group cannot carry; what was there before was typed before this was asked."""
    try:
        if policy.escalation_group != before.escalation_group:
            clean_line(policy.escalation_group, "escalation_group")
        for address in set(policy.escalate_to) - set(before.escalate_to):
            clean_address(address)
    except ValueError as error:
        raise BadInputError(str(error)) from error
