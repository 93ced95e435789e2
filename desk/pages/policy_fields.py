"""What the policy form asks: every value in words, in groups, with the unit it is typed in."""

from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """What a value is typed in, and how it stands behind the field."""

    AMOUNT = ""
    COUNT = "disputes"
    DAYS_LATE = "days overdue"
    PERCENT = "%"
    MINUTES = "minutes"
    DAYS = "days"
    CURRENCY = "code"
    YES = "yes"
    NAME = "name"
    TIME_ZONE = "time zone"
    WEEKDAYS = "Mon … Sun"
    ADDRESSES = "one a line"
    DATES = "one a line, like 2027-12-24"

    @property
    def is_number(self) -> bool:
        """Whether digits are typed."""
        return self in _NUMBERS

    @property
    def is_list(self) -> bool:
        """Whether it takes several lines."""
        return self in (Unit.ADDRESSES, Unit.DATES)


_NUMBERS = (Unit.AMOUNT, Unit.COUNT, Unit.DAYS_LATE, Unit.PERCENT, Unit.MINUTES, Unit.DAYS)


@dataclass(frozen=True)
class Setting:
    """One value of the policy. `name` is the field of `credit.policy.Policy`; `calendar.…` is one of its calendar."""

    name: str
    label: str
    explanation: str
    unit: Unit
    optional: bool = False
    positive: bool = False
    """Whether 0 makes no sense."""


@dataclass(frozen=True)
class Group:
    """Settings that belong together."""

    title: str
    settings: tuple[Setting, ...]


GROUPS = (
    Group(
        "When AR aging proposes a hold",
        (
            Setting(
                "trigger_days_overdue",
                "Overdue more than",
                "And the open amount is above the next value.",
                Unit.DAYS_LATE,
            ),
            Setting("trigger_total_open", "Open more than", "Open invoices less unapplied credits.", Unit.AMOUNT),
            Setting(
                "count_disputed", "Count disputed invoices", "Otherwise they are left out of the open amount.", Unit.YES
            ),
            Setting(
                "decline_snooze", "Quiet after a decline", "AR aging does not propose the customer again.", Unit.DAYS
            ),
            Setting(
                "worsened_share",
                "Unless it got worse by",
                "An open amount that grew by this share since the decline ends the quiet.",
                Unit.PERCENT,
            ),
            Setting("release_grace", "Quiet after a release", "The same after a hold was lifted.", Unit.DAYS),
            Setting(
                "release_grace_worsened_share",
                "Unless it got worse by",
                "An open amount that grew by this share since the release ends the quiet.",
                Unit.PERCENT,
            ),
        ),
    ),
    Group(
        "When repeated disputes recommend a hold",
        (
            Setting(
                "repeated_disputes_count",
                "A customer opens at least",
                "So many disputes make an AR review that recommends a hold. Two or more.",
                Unit.COUNT,
            ),
            Setting("repeated_disputes_window", "Within", "Older disputes are not counted.", Unit.DAYS, positive=True),
        ),
    ),
    Group(
        "Credit limits and orders",
        (
            Setting(
                "exposure_counts_open_orders",
                "Count open orders into the exposure",
                "Beside open invoices less unapplied credits; prepaid orders never count.",
                Unit.YES,
            ),
            Setting(
                "family_accounts_together",
                "Take parent and child accounts together",
                "A parent's exposure includes its child accounts', and its credit hold covers them.",
                Unit.YES,
            ),
            Setting(
                "prepaid_orders_pass",
                "Let prepaid orders pass",
                "A held customer may still order what is paid in advance.",
                Unit.YES,
            ),
        ),
    ),
    Group(
        "What an approver is warned of",
        (
            Setting("warn_days_overdue", "Overdue less than", "A warning, never a block.", Unit.DAYS_LATE),
            Setting("warn_ar_balance", "Balance less than", "A warning, never a block.", Unit.AMOUNT),
            Setting(
                "material_share",
                "Asked to look again when facts move by",
                "A new revision: what was seen before is stale.",
                Unit.PERCENT,
            ),
            Setting(
                "weakened_share",
                "Asked once more when paid down by",
                "After the approval, before anything is done.",
                Unit.PERCENT,
            ),
        ),
    ),
    Group(
        "Who decides, and for how long",
        (
            Setting(
                "claim_lease", "A claim lasts", "It is renewed while the page is open.", Unit.MINUTES, positive=True
            ),
            Setting(
                "proposal_expires_after", "A proposal expires after", "Nobody decided: nothing is done.", Unit.DAYS
            ),
            Setting(
                "approval_undo",
                "An approval can be taken back for",
                "Nothing is done before that. 0: at once.",
                Unit.MINUTES,
            ),
            Setting(
                "bar_self_approval",
                "Bar self-approval",
                "Who asked for a hold may not approve it; admins may.",
                Unit.YES,
            ),
            Setting(
                "second_approver_above",
                "Two approvers above",
                "Empty: one is enough for every amount.",
                Unit.AMOUNT,
                optional=True,
            ),
        ),
    ),
    Group(
        "When nobody decides",
        (
            Setting(
                "remind_after",
                "Remind the approvers after",
                "And again each time it has passed. Empty: never.",
                Unit.DAYS,
                optional=True,
                positive=True,
            ),
            Setting(
                "escalate_after",
                "Escalate after",
                "Once for each proposal. Empty: never. Nothing is approved by it.",
                Unit.DAYS,
                optional=True,
            ),
            Setting("escalation_group", "Escalate to", "What the group is called in pages and e-mails.", Unit.NAME),
            Setting("escalate_to", "The group’s e-mail addresses", "Empty: the admins are written to.", Unit.ADDRESSES),
            Setting(
                "count_business_days",
                "Count only working days",
                "For reminders, escalation and expiry. Otherwise every day counts.",
                Unit.YES,
            ),
        ),
    ),
    Group(
        "Calendar",
        (
            Setting(
                "calendar.time_zone", "Time zone", "Where a day begins and ends, like Europe/Oslo.", Unit.TIME_ZONE
            ),
            Setting("calendar.working_days", "Working days", "One at least, like Mon Tue Wed Thu Fri.", Unit.WEEKDAYS),
            Setting("calendar.holidays", "Holidays", "Days on which nobody works, whatever weekday.", Unit.DATES),
        ),
    ),
    Group(
        "How a hold ends",
        (
            Setting(
                "auto_release_on_payment",
                "Release without a person when paid",
                "Only a hold that rests on debt alone, once nothing is open and payments or credits account for all of "
                "it. Every other release is proposed.",
                Unit.YES,
            ),
            Setting(
                "drift_watch_released",
                "Watch NetSuite after a release for",
                "It is compared with the value that was restored.",
                Unit.DAYS,
            ),
        ),
    ),
    Group(
        "Messages",
        (
            Setting(
                "notice_cooling_off", "A customer’s notice waits", "It can be recalled until it leaves.", Unit.MINUTES
            ),
            Setting(
                "rep_message_cooling_off", "A sales rep’s message waits", "The same for the sales rep.", Unit.MINUTES
            ),
        ),
    ),
    Group(
        "Ledger",
        (
            Setting("ledger_currency", "Currency", "Every amount is kept in it. Three letters.", Unit.CURRENCY),
            Setting(
                "full_import_max_closed",
                "Refuse an import that closes more than",
                "A truncated export looks like a ledger that was paid.",
                Unit.PERCENT,
            ),
        ),
    ),
)
"""Every field of the policy, once. A test holds that none is left out."""

SETTINGS = {setting.name: setting for group in GROUPS for setting in group.settings}
