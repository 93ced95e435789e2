"""How a customer stands with us: one word, and why."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from credit.credit_hold import BlockSource
from credit.eligibility import Block
from credit.states import EntityStatus, HoldStatus
from credit.wording import Labelled


class CustomerStatus(Labelled):
    """The one word. Where several are true the first of these is told: what weighs most on the customer."""

    ON_HOLD = "on_hold"
    """By a service hold, which only its release ends."""
    BEING_HELD = "being_held"
    BEING_RELEASED = "being_released"
    BLOCKED = "blocked"
    """From everything, without a service hold."""
    TO_DECIDE = "to_decide"
    """A hold is proposed."""
    PARTLY_BLOCKED = "partly_blocked"
    """From some tariffs."""
    EXEMPT = "exempt"
    """From automatic holds."""
    OVER_LIMIT = "over_limit", "over its limit"
    FREE = "free"


class OpenHold(NamedTuple):
    """A customer's open hold."""

    id: UUID
    status: HoldStatus
    reason: str
    proposed_at: datetime
    in_force_at: datetime | None


class Exempt(NamedTuple):
    """An exemption that counts today."""

    until: date
    reason: str


class Exceeded(NamedTuple):
    """A credit limit that is exceeded, in the ledger's currency."""

    exposure: Decimal
    credit_limit: Decimal


class CustomerStanding(BaseModel):
    """How a customer stands with us."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: CustomerStatus
    """The one word for it: the first that is true of those listed here."""
    label: Annotated[str, Field(examples=["on hold"])]
    """The word as people read it."""
    reason: Annotated[str, Field(examples=["Its hold is in force since 2027-03-01: 132 days overdue"])]
    also: list[str]
    """What else is true of it, a sentence each."""


def standing(
    customer_id: str,
    *,
    hold: OpenHold | None,
    blocks: Sequence[Block],
    flag: EntityStatus,
    exempt: Exempt | None,
    exceeded: Exceeded | None,
) -> CustomerStanding:
    """Return how a customer stands.

    Args:
        customer_id: whose status it is.
        hold: its open hold.
        blocks: the live entries of its Credit Hold page, and those of its parents that count for it.
        flag: `customers.entitystatus`.
        exempt: its exemption from automatic holds.
        exceeded: its limit, where that is exceeded.
    """
    order = list(CustomerStatus)
    said = [*_of_hold(hold), *_of_blocks(customer_id, hold, blocks, flag), *_of_limits(exempt, exceeded)]
    found = sorted(dict.fromkeys(said), key=lambda one: order.index(one[0]))
    (status, reason), *others = found or [(CustomerStatus.FREE, "Nothing holds or blocks it.")]
    return CustomerStanding(status=status, label=status.label, reason=reason, also=[words for _, words in others])


_Found = Iterator[tuple[CustomerStatus, str]]


def _of_hold(hold: OpenHold | None) -> _Found:
    if hold is None:
        return
    since = hold.in_force_at or hold.proposed_at
    match hold.status:
        case HoldStatus.PROPOSED:
            yield CustomerStatus.TO_DECIDE, f"A hold is proposed since {hold.proposed_at:%Y-%m-%d}: {hold.reason}"
        case HoldStatus.APPLYING:
            yield CustomerStatus.BEING_HELD, f"Its hold is approved and being applied: {hold.reason}"
        case HoldStatus.IN_FORCE:
            yield CustomerStatus.ON_HOLD, f"Its hold is in force since {since:%Y-%m-%d}: {hold.reason}"
        case HoldStatus.RELEASING:
            yield CustomerStatus.BEING_RELEASED, f"The release of its hold is being carried out: {hold.reason}"


def _of_blocks(customer_id: str, hold: OpenHold | None, blocks: Sequence[Block], flag: EntityStatus) -> _Found:
    """What blocks it besides its own hold."""
    held = hold if hold is not None and hold.status is not HoldStatus.PROPOSED else None
    others = [block for block in blocks if held is None or block.hold_id != held.id]
    for block in others:
        status = CustomerStatus.BLOCKED if block.tariffs is None else CustomerStatus.PARTLY_BLOCKED
        yield status, _blocked(customer_id, block)
    if flag is EntityStatus.HOLD and held is None and all(block.tariffs is not None for block in others):
        yield CustomerStatus.BLOCKED, "Its flag (entitystatus) says hold, and no hold here has set it."


def _blocked(customer_id: str, block: Block) -> str:
    what = "Blocked" if block.tariffs is None else f"{block.label} blocked"
    how = {
        BlockSource.MANUAL: "by hand",
        BlockSource.AUTO_APPLY: "by its credit limit",
        BlockSource.SERVICE_HOLD: "by a service hold",
    }[block.source]
    through = "" if block.customer_id == customer_id else f", through its parent account {block.customer_id},"
    return f"{what} {how}{through} since {block.since:%Y-%m-%d}: {block.note or 'no note'}"


def _of_limits(exempt: Exempt | None, exceeded: Exceeded | None) -> _Found:
    if exempt is not None:
        yield CustomerStatus.EXEMPT, f"No automatic hold until {exempt.until}: {exempt.reason}"
    if exceeded is not None:
        amounts = f"{exceeded.exposure:,.2f} of {exceeded.credit_limit:,.2f}"
        yield CustomerStatus.OVER_LIMIT, f"Its credit limit is exceeded: {amounts}."
