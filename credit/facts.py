"""What is known of a customer's receivables, and when that changed enough to matter."""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from credit.credit_hold import BlockSource, LimitState
from credit.policy import Policy


class Facts(BaseModel):
    """A customer's receivables on one day. Amounts are in the ledger's currency."""

    model_config = ConfigDict(frozen=True)

    as_of: date
    currency: str = "USD"
    total_open: Decimal
    """Open invoices less unapplied payments and credit notes."""
    ar_balance: Decimal
    """The same figure for this ledger, under the name the service-hold spec uses in preconditions and drafts."""
    days_overdue: int
    """As-of date minus the oldest due date among open invoices, never negative."""
    oldest_due_date: date | None = None
    open_invoices: int = 0
    unapplied_credits: Decimal = Decimal(0)
    disputed_amount: Decimal = Decimal(0)
    open_disputes: int = 0
    payment_plan: bool = False
    promised_amount: Decimal = Decimal(0)
    promised_for: date | None = None
    """The day by which the customer promised to pay `promised_amount`; None without an unsettled promise."""
    broken_promises: int = 0
    prior_holds: int = 0
    """Earlier holds of this customer that came into force."""
    exempt_until: date | None = None
    """The last day on which automatic triggers leave this customer alone; None for one they may propose."""
    credit_limit: Decimal | None = None
    exposure: Decimal | None = None
    """What was compared with the limit last."""
    limit_state: LimitState | None = None
    blocked_by: tuple[BlockSource, ...] = ()
    """What keeps the customer on credit hold besides service holds."""


def moved_materially(shown: Facts, now: Facts, policy: Policy) -> bool:
    """Whether a person who saw `shown` should look again before deciding on `now` (docs/decisions/0008)."""
    context_changed = _context(now) != _context(shown)
    moved = abs(now.total_open - shown.total_open)
    return context_changed or moved > policy.material_share * abs(shown.total_open)


def _context(facts: Facts) -> tuple[bool, bool, bool]:
    return facts.open_disputes > 0, facts.payment_plan, facts.limit_state is LimitState.EXCEEDED


def weakening(approved: Facts, now: Facts, policy: Policy) -> list[str]:
    """Return why the case for a hold is weaker than what was approved; empty where it is not (docs/decisions/0009)."""
    reasons = []
    paid_down = approved.total_open - now.total_open
    if paid_down > 0 and paid_down >= policy.weakened_share * approved.total_open:
        reasons.append(f"open amount fell from {approved.total_open:,.2f} to {now.total_open:,.2f} {now.currency}")
    if now.open_disputes > approved.open_disputes:
        reasons.append(f"open disputes rose from {approved.open_disputes} to {now.open_disputes}")
    if now.payment_plan and not approved.payment_plan:
        reasons.append("the customer is now on a payment plan")
    if approved.limit_state is LimitState.EXCEEDED and now.limit_state is LimitState.ACCEPTABLE:
        reasons.append("the credit limit is met again")
    return reasons
