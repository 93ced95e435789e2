"""Exposure: what is compared with a customer's credit limit. Amounts are in the ledger's currency.

The freight spec speaks of a credit limit being exceeded and leaves open by what; this is what it means here.
`db/freight/exposures.py` sums up the same in SQL, for any number of customers at once; a property test holds the two
together (`tests/credit_hold/test_exposure.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from credit.credit_hold import OrderStatus
from credit.policy import Policy


@dataclass(frozen=True)
class Ordered:
    """One order."""

    amount: Decimal
    status: OrderStatus = OrderStatus.OPEN
    prepaid: bool = False


@dataclass(frozen=True)
class Account:
    """What one customer has in the ledger, its children apart."""

    invoices: Iterable[Decimal] = ()
    """What is open of each, zero for a closed one."""
    credits: Iterable[Decimal] = ()
    """What is unapplied of each."""
    orders: Iterable[Ordered] = field(default=())


def order_counts(order: Ordered, policy: Policy) -> bool:
    """Whether an order counts: an open one on credit, and only where the policy counts orders at all.

    A prepaid one never does: nothing will be owed for it.
    """
    return policy.exposure_counts_open_orders and order.status is OrderStatus.OPEN and not order.prepaid


def of_account(account: Account, policy: Policy) -> Decimal:
    """Return the exposure of one account alone: open invoices, less unapplied credits, with the orders that count.

    It is below zero where credits are more than all of it.
    """
    owed = sum(account.invoices, Decimal(0)) - sum(account.credits, Decimal(0))
    return owed + sum((order.amount for order in account.orders if order_counts(order, policy)), Decimal(0))


def members(customer_id: str, parents: Mapping[str, str | None], policy: Policy) -> set[str]:
    """Return whose accounts count into a customer's exposure: its own, and where the policy takes families together
    those of everybody below it.

    Each counts once. `parents`: customer to parent account.
    """  # noqa: D205 (one sentence)
    counted = {customer_id}
    while policy.family_accounts_together:
        below = {child for child, parent in parents.items() if parent in counted} - counted
        if not below:
            break
        counted |= below
    return counted


def exposure(
    customer_id: str, accounts: Mapping[str, Account], parents: Mapping[str, str | None], policy: Policy
) -> Decimal:
    """Return what is compared with a customer's credit limit: the sum over its `members`."""
    return sum((of_account(accounts[one], policy) for one in members(customer_id, parents, policy)), Decimal(0))
