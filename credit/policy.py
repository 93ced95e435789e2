"""The numbers a credit team may change, as one versioned value. Defaults are the service-hold spec's."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from credit.calendar import Calendar, later

Share = Annotated[Decimal, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]


class Policy(BaseModel):
    """One version of the policy. Amounts are in the ledger's currency, shares are fractions of 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger_currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"

    trigger_days_overdue: Days = 90
    """AR aging proposes a hold above this many days … (service-hold spec, trigger conditions)."""
    trigger_total_open: Decimal = Decimal(25000)
    """… and above this amount."""
    warn_days_overdue: Days = 60
    """Below this a proposal carries a warning, never a block (service-hold spec, preconditions)."""
    warn_ar_balance: Decimal = Decimal(10000)
    count_disputed: bool = True
    """Whether disputed invoices count into `total_open`."""

    exposure_counts_open_orders: bool = False
    """Whether open orders count into the exposure that is compared with the credit limit.

    To change this, or the next one, is no change of any customer: nothing is applied or lifted by it.
    """
    family_accounts_together: bool = False
    """Whether a parent account's exposure includes its child accounts', and its credit hold covers them."""
    prepaid_orders_pass: bool = False
    """Whether a held customer may still order what is paid in advance."""

    material_share: Share = Decimal("0.10")
    """Facts that moved by this share of the amount shown make a new revision: earlier approvals are stale."""
    weakened_share: Share = Decimal("0.20")
    """A case paid down by this share since it was approved goes back to the approver once."""
    worsened_share: Share = Decimal("0.25")
    """An automatic trigger passes the snooze after a decline only if `total_open` grew by this share."""
    drift_watch_released: timedelta = timedelta(days=30)
    """For how long after a release NetSuite is still compared with the value that was restored."""
    decline_snooze: timedelta = timedelta(days=14)
    release_grace: timedelta = timedelta(days=7)
    release_grace_worsened_share: Share = Decimal("0.25")
    """The same for the grace after a release: compared with what was open at the release."""

    auto_release_on_payment: bool = False
    """Whether a hold that rests on debt alone is released without a person once nothing is open, and payments or
    credits account for all that fell since it was approved. Every other release is proposed."""

    repeated_disputes_count: Annotated[int, Field(ge=2)] = 3
    """So many disputes opened …"""
    repeated_disputes_window: timedelta = timedelta(days=90)
    """… within this time recommend a hold (service-hold spec, trigger conditions)."""

    claim_lease: timedelta = timedelta(minutes=15)
    proposal_expires_after: timedelta = timedelta(days=30)
    """An undecided proposal then ends: it is never approved and lifts nothing."""
    remind_after: timedelta | None = timedelta(days=2)
    """Approvers are reminded of an undecided proposal after this long, and again each time it has passed."""
    escalate_after: timedelta | None = timedelta(days=5)
    """After this long it is escalated, once …"""
    escalation_group: str = "credit management"
    """… to this group …"""
    escalate_to: tuple[str, ...] = ()
    """… whose e-mail addresses these are; where there are none, the admins."""
    calendar: Calendar = Calendar()
    count_business_days: bool = False
    """Whether these three waits count only the calendar's working days."""

    approval_undo: timedelta = timedelta(0)
    """For how long an approval can be taken back before its beats start."""
    bar_self_approval: bool = False
    """Whether who asked for a hold may not approve it. Admins always may."""
    second_approver_above: Decimal | None = None
    """Above this `total_open` two people have to approve."""
    notice_cooling_off: timedelta = timedelta(minutes=10)
    """For how long an approved customer notice waits, and can be recalled, before it is sent."""
    rep_message_cooling_off: timedelta = timedelta(0)
    """The same for the sales rep's message."""

    full_import_max_closed: Share = Decimal("0.30")
    """A full import that would close more than this share of the open items, or of the open amount, is refused.

    A truncated or filtered export looks like a ledger in which everything else was paid.
    """

    def deadline(self, start: datetime, wait: timedelta) -> datetime:
        """Return when a wait for a person is over, in business days where the policy says so."""
        return later(start, wait, self.calendar if self.count_business_days else None)


DEFINES_EXPOSURE = ("exposure_counts_open_orders", "family_accounts_together")
"""What, when it changes, has all exposures summed up anew."""
