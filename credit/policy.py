"""The numbers a credit team may change, as one versioned value. Defaults are the service-hold spec's.

A value is one field here: its words, group and unit are what the settings page shows (`credit/setting.py`).
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from credit.calendar import Calendar, later
from credit.setting import ANY_DAYS, ANY_MINUTES, Unit, setting, settings_of

Amount = Annotated[Decimal, Unit.AMOUNT]
Share = Annotated[Decimal, Field(ge=0, le=1), Unit.PERCENT]
DaysLate = Annotated[int, Field(ge=0), Unit.DAYS_LATE]
Days = Annotated[timedelta, Unit.DAYS]
Minutes = Annotated[timedelta, Unit.MINUTES]
Switch = Annotated[bool, Unit.YES]

_AGING = "When AR aging proposes a hold"
_DISPUTES = "When repeated disputes recommend a hold"
_CREDIT = "Credit limits and orders"
_WARNED = "What an approver is warned of"
_DECIDES = "Who decides, and for how long"
_NOBODY = "When nobody decides"
_ENDS = "How a hold ends"
_MESSAGES = "Messages"
_LEDGER = "Ledger"


class Policy(BaseModel):
    """One version of the policy. Amounts are in the ledger's currency, shares are fractions of 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def stored(cls, settings: dict[str, Any]) -> Self:
        """Read what was saved, maybe by another version: what this one does not know is left out of it.

        A number beyond its bound was saved before that was refused, and counts as the bound: with a time of a million
        years no due date could be worked out.
        """
        policy = cls.model_validate(settings, extra="ignore")
        known = {name: one for name, one in settings_of(cls).items() if name in cls.model_fields}
        return policy.model_copy(update={name: one.bounded(getattr(policy, name)) for name, one in known.items()})

    # Service-hold spec, trigger conditions: more than 90 days overdue and more than 25,000 open.
    trigger_days_overdue: DaysLate = setting(
        90, _AGING, "Overdue more than", "And the open amount is above the next value."
    )
    trigger_total_open: Amount = setting(
        Decimal(25000), _AGING, "Open more than", "Open invoices less unapplied credits."
    )
    count_disputed: Switch = setting(
        True, _AGING, "Count disputed invoices", "Otherwise they are left out of the open amount."
    )
    decline_snooze: Days = setting(
        timedelta(days=14), _AGING, "Quiet after a decline", "AR aging does not propose the customer again."
    )
    worsened_share: Share = setting(
        Decimal("0.25"),
        _AGING,
        "Unless it got worse by",
        "An open amount that grew by this share since the decline ends the quiet.",
    )
    release_grace: Days = setting(
        timedelta(days=7), _AGING, "Quiet after a release", "The same after a hold was lifted."
    )
    release_grace_worsened_share: Share = setting(
        Decimal("0.25"),
        _AGING,
        "Unless it got worse since by",
        "An open amount that grew by this share since the release ends the quiet.",
    )

    repeated_disputes_count: Annotated[int, Field(ge=2), Unit.COUNT] = setting(
        3,
        _DISPUTES,
        "A customer opens at least",
        "So many disputes make an AR review that recommends a hold. Two or more.",
        least=2,
    )
    repeated_disputes_window: Days = setting(
        timedelta(days=90), _DISPUTES, "Within the last", "Older disputes are not counted.", least=1
    )

    # To change one of the next two is no change of any customer: nothing is applied or lifted by it.
    exposure_counts_open_orders: Switch = setting(
        False,
        _CREDIT,
        "Count open orders into the exposure",
        "Beside open invoices less unapplied credits; prepaid orders never count.",
    )
    family_accounts_together: Switch = setting(
        False,
        _CREDIT,
        "Take parent and child accounts together",
        "A parent's exposure includes its child accounts', and its credit hold covers them.",
    )
    prepaid_orders_pass: Switch = setting(
        False, _CREDIT, "Let prepaid orders pass", "A held customer may still order what is paid in advance."
    )

    # Service-hold spec, preconditions: they warn and never block.
    warn_days_overdue: DaysLate = setting(60, _WARNED, "Overdue less than", "A warning, never a block.")
    warn_ar_balance: Amount = setting(Decimal(10000), _WARNED, "Balance less than", "A warning, never a block.")
    material_share: Share = setting(
        Decimal("0.10"),
        _WARNED,
        "Asked to look again when facts move by",
        "A new revision: what was seen before is stale.",
    )
    weakened_share: Share = setting(
        Decimal("0.20"), _WARNED, "Asked once more when paid down by", "After the approval, before anything is done."
    )

    claim_lease: Minutes = setting(
        timedelta(minutes=15),
        _DECIDES,
        "A claim lasts",
        "It is renewed while the page is open.",
        least=ANY_MINUTES,
        most=24 * 60,
    )
    proposal_expires_after: Days = setting(
        timedelta(days=30),
        _DECIDES,
        "A proposal expires after",
        "Nobody decided: nothing is done.",
        least=ANY_DAYS,
        most=365,
    )
    approval_undo: Minutes = setting(
        timedelta(0), _DECIDES, "An approval can be taken back for", "Nothing is done before that. 0: at once."
    )
    bar_self_approval: Switch = setting(
        False, _DECIDES, "Bar self-approval", "Who asked for a hold, or its release, may not approve it; admins may."
    )
    second_approver_above: Annotated[Decimal | None, Unit.AMOUNT] = setting(
        None, _DECIDES, "Two approvers above", "Empty: one is enough for every amount."
    )

    remind_after: Annotated[timedelta | None, Unit.DAYS] = setting(
        timedelta(days=2),
        _NOBODY,
        "Remind the approvers after",
        "And again each time it has passed. Empty: never.",
        least=ANY_DAYS,
        most=365,
    )
    escalate_after: Annotated[timedelta | None, Unit.DAYS] = setting(
        timedelta(days=5),
        _NOBODY,
        "Escalate after",
        "Once for each proposal. Empty: never. Nothing is approved by it.",
        least=ANY_DAYS,
        most=365,
    )
    escalation_group: Annotated[str, Unit.NAME] = setting(
        "credit management", _NOBODY, "Escalate to", "What the group is called in pages and e-mails."
    )
    escalate_to: Annotated[tuple[str, ...], Unit.ADDRESSES] = setting(
        (), _NOBODY, "The group’s e-mail addresses", "Empty: the admins are written to."
    )
    count_business_days: Switch = setting(
        False, _NOBODY, "Count only working days", "For reminders, escalation and expiry. Otherwise every day counts."
    )
    calendar: Calendar = Calendar()

    auto_release_on_payment: Switch = setting(
        False,
        _ENDS,
        "Release without a person when paid",
        "Only a hold that rests on debt alone, once nothing is open and payments or credits account for all of "
        "it. Every other release is proposed.",
    )
    drift_watch_released: Days = setting(
        timedelta(days=30),
        _ENDS,
        "Watch NetSuite after a release for",
        "It is compared with the value that was restored.",
    )

    notice_cooling_off: Minutes = setting(
        timedelta(minutes=10), _MESSAGES, "A customer’s notice waits", "It can be recalled until it leaves."
    )
    rep_message_cooling_off: Minutes = setting(
        timedelta(0), _MESSAGES, "A sales rep’s message waits", "The same for the sales rep."
    )

    ledger_currency: Annotated[str, Field(pattern="^[A-Z]{3}$"), Unit.CURRENCY] = setting(
        "USD", _LEDGER, "Currency", "Every amount is kept in it. Three letters."
    )
    full_import_max_closed: Share = setting(
        Decimal("0.30"),
        _LEDGER,
        "Refuse an import that closes more than",
        "A truncated export looks like a ledger that was paid.",
    )

    def deadline(self, start: datetime, wait: timedelta) -> datetime:
        """Return when a wait for a person is over, in business days where the policy says so."""
        return later(start, wait, self.calendar if self.count_business_days else None)


DEFINES_EXPOSURE = ("exposure_counts_open_orders", "family_accounts_together")
"""What, when it changes, has all exposures summed up anew."""
