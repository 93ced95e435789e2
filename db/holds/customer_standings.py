"""How customers stand with us, read from the rows: what every page, list, command and answer tells of them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.credit_limit import LimitState
from credit.customer_standing import CustomerStanding, Exceeded, Exempt, OpenHold, standing
from credit.states import OPEN_HOLD
from db.freight import eligibility
from db.models import AccountingProfile, Customer, Hold
from db.receivables import exemptions


def of(session: Session, customer_ids: Collection[str], now: datetime) -> dict[str, CustomerStanding]:
    """Return how each of these customers stands; one that is not known is left out."""
    if not customer_ids:
        return {}
    opened = select(Hold).where(Hold.customer_id.in_(customer_ids), Hold.status.in_(OPEN_HOLD))
    held = {
        hold.customer_id: OpenHold(hold.id, hold.status, hold.reason, hold.proposed_at, hold.in_force_at)
        for hold in session.scalars(opened)
    }
    over = select(AccountingProfile).where(
        AccountingProfile.customer_id.in_(customer_ids), AccountingProfile.limit_state == LimitState.EXCEEDED
    )
    exceeded = {
        row.customer_id: Exceeded(row.exposure, row.credit_limit)
        for row in session.scalars(over)
        if row.exposure is not None and row.credit_limit is not None
    }
    exempt = {
        customer_id: Exempt(row.until, row.reason)
        for customer_id, row in exemptions.active_of(session, customer_ids, now).items()
    }
    blocks = eligibility.blocks_of(session, customer_ids)
    flags = select(Customer.id, Customer.entitystatus).where(Customer.id.in_(customer_ids))
    return {
        customer_id: standing(
            customer_id,
            hold=held.get(customer_id),
            blocks=blocks[customer_id],
            flag=flag,
            exempt=exempt.get(customer_id),
            exceeded=exceeded.get(customer_id),
        )
        for customer_id, flag in session.execute(flags)
    }


def one(session: Session, customer_id: str, now: datetime) -> CustomerStanding:
    """Return how a customer that is known stands."""
    return of(session, [customer_id], now)[customer_id]
