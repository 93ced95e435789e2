"""What a difference between NetSuite and the record means, and where a hold in NetSuite leaks. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel


class DriftOutcome(StrEnum):
    """What became of a difference."""

    REPAIRED = "repaired"
    """A person ordered the value to be written again."""
    ACCEPTED = "accepted"
    """A person accepted what NetSuite says; it is not asked again until NetSuite says something else."""
    ADOPTED = "adopted"
    """A hold was proposed for what NetSuite had on already."""
    GONE = "gone"
    """NetSuite says what is wanted again, or the hold wants something else by now."""
    CHANGED = "changed"
    """NetSuite says a third thing: that is a difference of its own."""


class Sight(StrEnum):
    """What one look at a record saw, beside the look before."""

    AGREES = "agrees"
    NEW = "new"
    STILL = "still"
    CHANGED = "changed"
    ENDED = "ended"


def compare(expected: str, found: str, standing: str | None) -> Sight:
    """Return what a look saw.

    Args:
        expected: The value that is wanted of the record.
        found: The value NetSuite answered.
        standing: The other value that NetSuite said at the look before; None where it agreed.
    """
    if found == expected:
        return Sight.AGREES if standing is None else Sight.ENDED
    if standing is None:
        return Sight.NEW
    return Sight.STILL if found == standing else Sight.CHANGED


class LimitHandling(StrEnum):
    """NetSuite's accounting preference *Customer Credit Limit Handling*. No REST API tells it: a setting does."""

    UNKNOWN = "unknown"
    ENFORCE = "enforce"
    WARN = "warn"
    IGNORE = "ignore"


class Relative(BaseModel):
    """A sub-customer, or the parent: a NetSuite record of its own, with a hold of its own."""

    netsuite_id: str
    name: str
    is_held: bool


class Surroundings(BaseModel):
    """What NetSuite says around one record. Amounts are in the ledger's currency, but for the limit."""

    released: bool
    """Whether the hold is over and its prior value restored."""
    after_release: str
    """What the record says, or will say, once the hold is released."""
    total_open: Decimal
    currency: str
    """The ledger's."""
    credit_limit: Decimal | None
    limit_currency: str | None = None
    """The customer's own, in which the limit is; None where NetSuite names none."""
    has_terms: bool
    parent: Relative | None = None
    sub_customers: Sequence[Relative] = ()


def gaps(seen: Surroundings, handling: LimitHandling) -> list[str]:
    """Return, in words, what NetSuite lets through in spite of the hold, and what it would still block after release.

    Source: Oracle's help, section_N1080144, and what consultants say of the preference.
    """
    return _after_release(seen) if seen.released else [*_leaks(seen, handling), *_after_release(seen)]


def _leaks(seen: Surroundings, handling: LimitHandling) -> list[str]:
    found = []
    free = [one for one in seen.sub_customers if not one.is_held]
    if free:
        names = ", ".join(f"{one.name} ({one.netsuite_id})" for one in free[:_NAMED])
        more = f" and {len(free) - _NAMED} more" if len(free) > _NAMED else ""
        found.append(f"sub-customers are records of their own and are not on hold: {names}{more}")
    if seen.parent is not None and not seen.parent.is_held:
        found.append(f"its parent {seen.parent.name} ({seen.parent.netsuite_id}) is not on hold and can still order")
    if handling in (LimitHandling.WARN, LimitHandling.IGNORE):
        what = "only warns" if handling is LimitHandling.WARN else "ignores credit holds"
        found.append(f"NetSuite's Customer Credit Limit Handling {what}: orders may pass")
    if not seen.has_terms:
        found.append("the customer has no payment terms: sales orders without terms pass")
    found.append("cash sales pass: NetSuite holds only what is sold on credit")
    return found


def _after_release(seen: Surroundings) -> list[str]:
    if seen.after_release == "OFF":
        return ["after the release NetSuite says OFF: the customer is exempt from every credit hold"]
    if seen.after_release == "ON":
        return ["after the release NetSuite says ON, as before the hold: the customer stays blocked"]
    if seen.credit_limit is None:
        return []
    limit = f"its credit limit of {seen.credit_limit:,.2f}"
    if seen.limit_currency not in (None, seen.currency):
        owed = f"{seen.total_open:,.2f} {seen.currency}"
        return [f"on AUTO NetSuite itself may block: {limit} {seen.limit_currency} cannot be compared with {owed} open"]
    if seen.total_open > seen.credit_limit:
        return [f"on AUTO NetSuite itself may block: {seen.total_open:,.2f} open is above {limit}"]
    return []


_NAMED = 5
