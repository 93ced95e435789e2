"""The policy as a form: every value in words, in the unit people think in, and back again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from pydantic import ValidationError

from credit.policy import Policy


class Unit(Enum):
    """What a value is typed in, and how it stands behind the field."""

    AMOUNT = ""
    DAYS_LATE = "days overdue"
    PERCENT = "%"
    MINUTES = "minutes"
    DAYS = "days"
    CURRENCY = "code"
    YES = "yes"


_LENGTHS = {Unit.MINUTES: timedelta(minutes=1), Unit.DAYS: timedelta(days=1)}


@dataclass(frozen=True)
class Setting:
    """One value of the policy. `name` is the field of `credit.policy.Policy`."""

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
            Setting("release_grace", "Quiet after a release", "The same after a hold was lifted.", Unit.DAYS),
            Setting(
                "worsened_share",
                "Unless it got worse by",
                "An open amount that grew by this share ends the quiet.",
                Unit.PERCENT,
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


class BadFieldsError(ValueError):
    """Values that make no sense: field -> what to do."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


def typed(policy: Policy) -> dict[str, str]:
    """Return the policy as the form's fields show it; a tick is `yes` or nothing."""
    return {name: _shown(getattr(policy, name), setting.unit) for name, setting in SETTINGS.items()}


def parsed(fields: Mapping[str, str]) -> Policy:
    """Return the policy that was typed.

    Raises:
        BadFieldsError: some of it makes no sense.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        try:
            values[name] = _value(fields.get(name, "").strip(), setting)
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise BadFieldsError(problems)
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        raise BadFieldsError({str(one["loc"][0]): one["msg"] for one in error.errors()}) from error


def _shown(value: object, unit: Unit) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, timedelta):
        return _plain(Decimal(str(value / _LENGTHS[unit])))
    if unit is Unit.PERCENT and isinstance(value, Decimal):
        return _plain(value * 100)
    return _plain(value) if isinstance(value, Decimal) else str(value)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _value(text: str, setting: Setting) -> object:
    if setting.unit is Unit.YES:
        return text == "yes"
    if setting.unit is Unit.CURRENCY:
        return text.upper()
    if not text and setting.optional:
        return None
    number = _number(text)
    if setting.positive and not number:
        raise ValueError("give more than 0")
    if setting.unit is Unit.DAYS_LATE:
        if number != int(number):
            raise ValueError("give whole days")
        return int(number)
    if setting.unit is Unit.PERCENT:
        if number > 100:  # noqa: PLR2004
            raise ValueError("give 0 to 100")
        return number / 100
    if setting.unit in _LENGTHS:
        return _length(number, _LENGTHS[setting.unit])
    return number


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise ValueError("give a number") from None
    if not number.is_finite() or number < 0:
        raise ValueError("give a number that is not negative")
    return number


def _length(number: Decimal, unit: timedelta) -> timedelta:
    try:
        return timedelta(seconds=float(number) * unit.total_seconds())
    except OverflowError:
        raise ValueError("that is too long") from None
