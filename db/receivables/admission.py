"""Who may be proposed by an automatic trigger: `credit.triggers.admit` as SQL, for the set-based scan."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, and_, case, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from credit.policy import Policy
from credit.states import OPEN_HOLD, HoldStatus, ProposalKind
from credit.triggers import Disposition, Ending, quiet_after
from db.models import AutoDecision, Customer, Decision, Hold, Proposal


def last_ending(session: Session, customer_id: str) -> Ending | None:
    """Return how the customer's last hold ended that somebody decided about, for `credit.triggers.admit`.

    None where there was none. One that expired or was withdrawn snoozes nothing, and wakes nothing up either
    (docs/decisions/0004).
    """
    row = session.execute(ending_sql(customer_id)).first()
    if row is None:
        return None
    return Ending(declined=row.status is HoldStatus.DECLINED, at=row.closed_at, total_open=row.total_open)


def ending_sql(customer_id: Any) -> Select[*tuple[Any, ...]]:
    """Build the customer's hold that was declined or released last, with what was open when it ended."""
    return (
        select(Hold.status, Hold.closed_at, func.coalesce(open_at_end_sql(), literal(0, Numeric)).label("total_open"))
        .where(Hold.customer_id == customer_id, Hold.status.in_((HoldStatus.DECLINED, HoldStatus.RELEASED)))
        .order_by(Hold.closed_at.desc(), Hold.proposed_at.desc(), Hold.id)
        .limit(1)
    )


def open_at_end_sql() -> ColumnElement[Any]:
    """Build what was open when the enclosing query's hold ended: an amount.

    The facts under which the last decision to place or release it took effect, or where nobody decided that, those
    which were shown. A later repair proposal does not count.
    """
    return (
        select(cast(func.coalesce(AutoDecision.facts, Proposal.facts)["total_open"].astext, Numeric))
        .select_from(Proposal)
        .outerjoin(Decision, Decision.proposal_id == Proposal.id)
        .outerjoin(AutoDecision, AutoDecision.decision_id == Decision.id)
        .where(Proposal.hold_id == Hold.id, Proposal.kind != ProposalKind.REPAIR)
        .order_by(Proposal.opened_at.desc(), Proposal.revision.desc())
        .limit(1)
        .correlate(Hold)
        .scalar_subquery()
    )


def disposition_sql(
    ending: Any, total_open: ColumnElement[Any], exempt_until: ColumnElement[Any], *, now: datetime, policy: Policy
) -> ColumnElement[str]:
    """Build what a scan makes of a customer above the threshold; `ending` is `ending_sql`'s row, or nulls."""
    held = exists().where(Hold.customer_id == Customer.id, Hold.status.in_(OPEN_HOLD))
    return case(
        (held, Disposition.OPEN_HOLD),
        (exempt_until.is_not(None), Disposition.EXEMPT),
        (_not_quiet(ending, total_open, now.astimezone(UTC), policy), Disposition.PROPOSED),
        (ending.c.status == HoldStatus.DECLINED, Disposition.SNOOZED),
        else_=Disposition.IN_GRACE,
    )


def _not_quiet(ending: Any, total_open: ColumnElement[Any], now: datetime, policy: Policy) -> ColumnElement[bool]:
    def over(status: HoldStatus) -> ColumnElement[bool]:
        quiet, share = quiet_after(policy, declined=status is HoldStatus.DECLINED)
        worsened = total_open >= ending.c.total_open * literal(1 + share, Numeric)
        return and_(ending.c.status == status, or_(ending.c.closed_at <= now - quiet, worsened))

    return or_(
        ending.c.status.is_(None),
        over(HoldStatus.DECLINED),
        over(HoldStatus.RELEASED),
    )
