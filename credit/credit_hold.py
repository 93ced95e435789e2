"""The freight credit hold: what blocks a customer, and when a credit limit makes or lifts a block (freight spec)."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

Limit = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)]
"""A credit limit, as it is typed and sent."""


class CreditStatus(StrEnum):
    """Where a customer's accounting profile stands."""

    GOOD = "good"
    CREDIT_HOLD = "credit_hold"

    @property
    def label(self) -> str:
        """The status as the freight spec writes it."""
        return "Credit Hold" if self is CreditStatus.CREDIT_HOLD else "Good"


class LimitState(StrEnum):
    """Whether the exposure is within the credit limit. No limit is never exceeded."""

    ACCEPTABLE = "acceptable"
    EXCEEDED = "exceeded"


def crossing(after: LimitState, credit_limit: Decimal | None, exposure: Decimal) -> str:
    """Say that a limit is exceeded or met again, in the words of notes, triggers and warnings."""
    limit = "no limit" if credit_limit is None else f"credit limit {credit_limit:,.2f}"
    return f"{limit} {'exceeded' if after is LimitState.EXCEEDED else 'met again'}: exposure {exposure:,.2f}"


class BlockSource(StrEnum):
    """What put an entry on a customer's Credit Hold page. Each is lifted on its own."""

    MANUAL = "manual"
    """A person: in the accounting profile, or on the page."""
    AUTO_APPLY = "auto_apply"
    """The credit limit went from acceptable to exceeded."""
    SERVICE_HOLD = "service_hold"
    """Beat 1 of an approved service hold."""

    @property
    def label(self) -> str:
        """What put it there, for people."""
        return {"manual": "by hand", "auto_apply": "auto-apply", "service_hold": "a service hold"}[self]


class LimitCause(StrEnum):
    """What moved a customer's exposure or limit."""

    IMPORT = "import"
    INVOICE = "invoice"
    PAYMENT = "payment"
    LIMIT = "limit"
    ORDER = "order"
    FAMILY = "family"
    POLICY = "policy"


BLOCK_ALL_TARIFFS = "Block All Tariffs"
"""What the freight spec calls an entry that names no tariff."""


class LoadStatus(StrEnum):
    """The life of a load, in order."""

    QUOTED = "quoted"
    COMMITTED = "committed"
    READY = "ready"
    DISPATCHED = "dispatched"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"

    @property
    def following(self) -> "LoadStatus | None":
        """The next status; None for a delivered load."""
        order = list(LoadStatus)
        place = order.index(self) + 1
        return order[place] if place < len(order) else None


class OrderStatus(StrEnum):
    """The life of an order. An open one can count into the exposure."""

    OPEN = "open"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"
