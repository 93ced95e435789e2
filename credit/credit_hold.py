"""The freight credit hold: what blocks a customer, and the loads and orders that are blocked (freight spec)."""

from enum import StrEnum

from credit.actors import OwnActor
from credit.wording import Labelled


class CreditStatus(Labelled):
    """Where a customer's accounting profile stands."""

    GOOD = "good", "Good"
    CREDIT_HOLD = "credit_hold", "Credit Hold"


class BlockSource(Labelled):
    """What put an entry on a customer's Credit Hold page. Each is lifted on its own."""

    MANUAL = "manual", "by hand"
    """A person: in the accounting profile, or on the page."""
    AUTO_APPLY = "auto_apply", OwnActor.AUTO_APPLY
    """The credit limit went from acceptable to exceeded."""
    SERVICE_HOLD = "service_hold", "a service hold"
    """Beat 1 of an approved service hold."""


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


STOPS_AT = LoadStatus.COMMITTED
"""The status that a held customer's load does not leave; one that is past it goes on (freight spec)."""


class OrderStatus(StrEnum):
    """The life of an order. An open one can count into the exposure."""

    OPEN = "open"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"
