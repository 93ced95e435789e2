"""What a customer undertook to pay, and whether payments cover it. Amounts are in the ledger's currency."""

from collections.abc import Sequence
from decimal import Decimal


def keeps_promise(promised: Decimal, paid_in_time: Decimal) -> bool:
    """Whether what was paid since the promise, by its day, is what was promised."""
    return paid_in_time >= promised


def instalments_covered(amounts: Sequence[Decimal], paid: Decimal) -> int:
    """Return how many of the first instalments are covered by what was paid since the plan was agreed."""
    covered = 0
    for amount in amounts:
        paid -= amount
        if paid < 0:
            break
        covered += 1
    return covered
