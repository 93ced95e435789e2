"""May a customer order, be rated, or have a load advance? The one rule that all three ask (freight spec)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from credit.credit_hold import BLOCK_ALL_TARIFFS, BlockSource
from credit.policy import Policy
from credit.states import EntityStatus

FRONT_OFFICE = "INFO Front Office Credit Hold"
BACK_OFFICE = "INFO Back Office Credit Hold"
"""The content templates of what a held customer, and who works on its loads, are told (freight spec)."""


class Action(StrEnum):
    """What is asked about."""

    ORDER = "order"
    RATE = "rate"
    ADVANCE_LOAD = "advance_load"
    """To any status past Committed."""

    @property
    def template(self) -> str:
        """The content template of a refusal."""
        return BACK_OFFICE if self is Action.ADVANCE_LOAD else FRONT_OFFICE


@dataclass(frozen=True)
class Block:
    """One live entry of a customer's Credit Hold page, or of its parent's."""

    id: UUID
    customer_id: str
    source: BlockSource
    tariffs: tuple[str, ...] | None
    """None: all tariffs."""
    note: str
    hold_id: UUID | None
    since: datetime

    @property
    def label(self) -> str:
        """What is blocked, in the freight spec's words."""
        return BLOCK_ALL_TARIFFS if self.tariffs is None else ", ".join(self.tariffs)

    def covers(self, tariff: str | None) -> bool:
        """Whether it blocks this tariff; for None, whether it blocks everything."""
        return self.tariffs is None or (tariff is not None and tariff in self.tariffs)


@dataclass(frozen=True)
class Standing:
    """A customer as the rule sees it."""

    customer_id: str
    entitystatus: EntityStatus
    blocks: Sequence[Block]
    excepted: bool = False
    """Whether the order or load in question is let through in spite of the hold."""


@dataclass(frozen=True)
class Eligibility:
    """The answer, and what it rests on."""

    action: Action
    allowed: bool
    because: Sequence[Block]
    """What blocks; also empty where only `customers.entitystatus` does."""
    why: str
    """For the log and for people in the office, never for the customer."""


def check(
    standing: Standing, action: Action, policy: Policy, *, tariff: str | None = None, prepaid: bool = False
) -> Eligibility:
    """Decide whether `action` may go ahead.

    A specific tariff's entry blocks rating with that tariff only; an entry for all tariffs is a credit hold and blocks
    everything. An exception made for this one order or load lets it through.

    Args:
        standing: the customer.
        action: what it, or somebody for it, wants to do.
        policy: whether prepaid orders pass.
        tariff: for rating: the tariff; None for "any at all".
        prepaid: for an order: whether it is paid in advance.
    """
    wanted = tariff if action is Action.RATE else None
    because = [block for block in standing.blocks if block.covers(wanted)]
    flagged = standing.entitystatus is EntityStatus.HOLD
    if not because and not flagged:
        return Eligibility(action, allowed=True, because=(), why="no hold")
    if standing.excepted:
        return Eligibility(action, allowed=True, because=because, why="an exception lets it through")
    if action is Action.ORDER and prepaid and policy.prepaid_orders_pass:
        return Eligibility(action, allowed=True, because=because, why="paid in advance")
    said = [f"{block.label} ({block.source.replace('_', ' ')})" for block in because] or ["entitystatus is hold"]
    return Eligibility(action, allowed=False, because=because, why="; ".join(said))
