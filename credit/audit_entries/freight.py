"""Accounting profiles, credit limits and blocks, and the orders, loads and tariffs that they stop."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from credit.audit_entries.entry import Entry, Explained, Money
from credit.credit_hold import BLOCK_ALL_TARIFFS, BlockSource, CreditStatus, LoadStatus
from credit.credit_limit import LimitCause, LimitState


class CreditLimitChanged(Entry):
    action = "credit_limit_changed"
    what = "changed the credit limit"
    before: Money | None
    after: Money | None

    def sentence(self) -> str:
        before, after = ("none" if limit is None else f"{limit:.2f}" for limit in (self.before, self.after))
        return f"changed the credit limit: {before} → {after}"


class LimitCrossed(Explained):
    """An exposure crossed its limit, and what was done at once."""

    cause: LimitCause
    source: BlockSource
    done: str


class LimitExceeded(LimitCrossed):
    action = "limit_exceeded"
    what = "found the credit limit exceeded"

    def sentence(self) -> str:
        held = " and put the customer on credit hold" if self.done == CreditStatus.CREDIT_HOLD else ""
        return f"{self.what}{held}"


class LimitAcceptable(LimitCrossed):
    action = "limit_acceptable"
    what = "found the credit limit met again"

    def sentence(self) -> str:
        return f"{self.what}{' and lifted the block' if self.done == BLOCK_LIFTED else ''}"


BLOCK_LIFTED = "block lifted"
"""What is done of a limit that is met again where the organisation chose so."""
LIMIT_CROSSED: dict[LimitState, type[LimitCrossed]] = {
    LimitState.EXCEEDED: LimitExceeded,
    LimitState.ACCEPTABLE: LimitAcceptable,
}


class Blocked(Explained):
    """A line of the Credit Hold page."""

    entry: UUID
    blocked: str
    source: BlockSource
    hold_id: UUID | None

    @property
    def tariffs(self) -> str:
        """What is blocked, in words."""
        return "all tariffs" if self.blocked == BLOCK_ALL_TARIFFS else self.blocked


TariffsBlocked = Blocked.of_action("tariffs_blocked", "blocked tariffs", "blocked {tariffs}")
TariffsUnblocked = Blocked.of_action("tariffs_unblocked", "lifted a block of tariffs", "lifted the block of {tariffs}")
CreditHoldTakenOver = Blocked.of_action(
    "credit_hold_taken_over", "made the credit hold that was there the service hold’s"
)


class CreditHoldOverridden(Explained):
    action = "credit_hold_overridden"
    what = "took the customer out of credit hold though the limit is exceeded"
    exposure: Money | None
    credit_limit: Money | None


class OrderTaken(Explained):
    action = "order_taken"
    what = "took an order"
    said = "took order {order}"
    order: str
    amount: Decimal
    prepaid: bool


class OrderClosed(Entry):
    """The end of an order."""

    order: str


OrderInvoiced = OrderClosed.of_action("order_invoiced", "invoiced an order", "invoiced order {order}")
OrderCancelled = OrderClosed.of_action("order_cancelled", "cancelled an order", "cancelled order {order}")


class LoadQuoted(Entry):
    action = "load_quoted"
    what = "quoted a load"
    said = "quoted load {load}"
    load: str


class LoadAdvanced(Entry):
    action = "load_advanced"
    what = "moved a load on"
    said = "moved load {load} on: {before} → {after}"
    load: str
    before: LoadStatus
    after: LoadStatus
    why: str | None = None
    """What the rule answered, where it was asked."""


class TariffChanged(Entry):
    action = "tariff_changed"
    what = "changed a tariff"
    said = "changed tariff {after[code]}"
    after: Mapping[str, Any]


class _Organisation(Entry):
    organisation: str
    version: int
    before: dict[str, Any] | None
    """Its settings."""
    after: dict[str, Any]


OrganisationCreated = _Organisation.of_action(
    "organisation_created", "made an organisation", "made the organisation {organisation}"
)
OrgSettingsChanged = _Organisation.of_action(
    "org_settings_changed",
    "changed an organisation’s settings",
    "changed the settings of {organisation}: version {version}",
)
