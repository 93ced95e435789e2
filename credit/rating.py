"""Which rate of a tariff counts for a lane."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple


class Rate(NamedTuple):
    """What one tariff asks on one lane. An empty origin or destination stands for any."""

    tariff: str
    name: str
    """The tariff's."""
    origin: str
    destination: str
    amount: Decimal
    currency: str
    transit_days: int


def best(rates: Iterable[Rate], origin: str, destination: str) -> list[Rate]:
    """Return the most specific rate of each tariff from `origin` to `destination`, by tariff.

    A lane that names both wins over one that names its origin, that over one that names its destination, that over one
    for any. Upper and lower case are the same.
    """
    found: dict[str, Rate] = {}
    for rate in sorted(rates, key=lambda rate: (rate.tariff, bool(rate.origin), bool(rate.destination))):
        if _is_or_any(rate.origin, origin) and _is_or_any(rate.destination, destination):
            found[rate.tariff] = rate
    return list(found.values())


def _is_or_any(place: str, wanted: str) -> bool:
    return not place or place.lower() == wanted.lower()
