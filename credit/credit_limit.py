"""The credit limit: when it counts as exceeded or met again, and what a crossing does (freight spec, Auto Apply).

`credit/exposure.py` says what is compared with it. `db/freight/exposures.py` and `credit_limits.py` carry these rules
out in SQL, for any number of customers at once; property tests hold the two together (`tests/credit_hold/`).
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field

Limit = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)]
"""A credit limit, as it is typed and sent."""


class LimitState(StrEnum):
    """Whether the exposure is within the credit limit."""

    ACCEPTABLE = "acceptable"
    EXCEEDED = "exceeded"


class LimitCause(StrEnum):
    """What moved a customer's exposure or limit, or ended what had kept an exceeded one from its block."""

    IMPORT = "import"
    INVOICE = "invoice"
    PAYMENT = "payment"
    LIMIT = "limit"
    ORDER = "order"
    FAMILY = "family"
    POLICY = "policy"
    EXEMPTION = "exemption"
    RELEASE = "release"


class Chosen(NamedTuple):
    """What an organisation chose in its settings (freight spec, LSP Org Settings)."""

    auto_apply: bool
    """Whether a limit that goes from acceptable to exceeded puts the customer on credit hold at once."""
    auto_lift: bool
    """Whether such a block goes by itself when the limit is met again. In the spec a person lifts it: the default."""


class Consequence(NamedTuple):
    """What a crossing does to the customer's Credit Hold page."""

    applied: bool
    """An entry for all tariffs is made, unless auto-apply has one there already; and a service hold is proposed."""
    lifted: bool
    """The entry that auto-apply made is ended. Others stay: each is lifted on its own."""


def state_of(exposure: Decimal, credit_limit: Decimal | None) -> LimitState:
    """Return where an exposure stands. To reach the limit is not to exceed it; no limit is never exceeded."""
    exceeded = credit_limit is not None and exposure > credit_limit
    return LimitState.EXCEEDED if exceeded else LimitState.ACCEPTABLE


def is_crossed(before: LimitState | None, after: LimitState) -> bool:
    """Whether a limit was crossed. A customer that is evaluated for the first time (None) has crossed nothing.

    "Credit Holds are only used when the customer's credit goes from being acceptable to an exceeded condition" (freight
    spec): a customer whose limit is exceeded already is left alone, and so is one that was taken out by hand.
    """
    return before is not None and before is not after


def consequence(after: LimitState, chosen: Chosen, *, has_auto_entry: bool) -> Consequence:
    """Return what a crossing does.

    Args:
        after: to which side the limit was crossed.
        chosen: the settings of the customer's organisation.
        has_auto_entry: whether an entry that auto-apply made stands, which no service hold has taken over.
    """
    exceeded = after is LimitState.EXCEEDED
    return Consequence(
        applied=exceeded and chosen.auto_apply, lifted=not exceeded and chosen.auto_lift and has_auto_entry
    )


def is_override(state: LimitState | None, *, left_credit_hold: bool) -> bool:
    """Whether a customer is kept out of credit hold against its limit (freight spec, Credit Hold Override).

    It is when a person takes it out while the limit is exceeded, and no longer than that: `state` met again ends it.
    """
    return state is LimitState.EXCEEDED and left_credit_hold


def available(credit_limit: Decimal | None, exposure: Decimal | None) -> Decimal | None:
    """Return what is left of a limit, below zero where it is exceeded; None without a limit, or never evaluated."""
    return None if credit_limit is None or exposure is None else credit_limit - exposure


def crossing(after: LimitState, credit_limit: Decimal | None, exposure: Decimal) -> str:
    """Say that a limit is exceeded or met again, in the words of notes, triggers and warnings."""
    limit = "no limit" if credit_limit is None else f"credit limit {credit_limit:,.2f}"
    return f"{limit} {'exceeded' if after is LimitState.EXCEEDED else 'met again'}: exposure {exposure:,.2f}"
