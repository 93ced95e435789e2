"""A change of the policy as people write it down: some of its fields."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from credit.policy import Policy
from credit.setting import out_of_bounds, settings_of
from credit.validation import all_that_is_wrong


class PolicyChangeError(ValueError):
    """The change names a field the policy has not, or a value the field cannot have. The text says which."""


def apply(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """Return the policy with these fields changed; amounts and shares as numbers or strings, times as ISO 8601.

    Raises:
        PolicyChangeError: an unknown field, a value that does not fit, or another currency.
    """
    unknown = sorted(set(changes) - set(Policy.model_fields))
    if unknown:
        raise PolicyChangeError(
            f"the policy has no {', '.join(unknown)}; its fields are: {', '.join(sorted(Policy.model_fields))}"
        )
    try:
        changed = Policy.model_validate(policy.model_dump() | dict(changes))
    except ValidationError as error:
        raise PolicyChangeError(all_that_is_wrong(error.errors())) from None
    require_bounds(changed, policy)
    if changed.ledger_currency != policy.ledger_currency:
        raise PolicyChangeError(
            f"ledger_currency: the ledger's amounts are in {policy.ledger_currency}, and another name would not "
            "convert them; leave it out"
        )
    return changed


def require_bounds(policy: Policy, before: Policy) -> None:
    """Refuse numbers that were typed and make no sense; what was in force before is not asked about again.

    Raises:
        PolicyChangeError: it names every such value as the settings page does, and its bounds.
    """
    known = settings_of(Policy)
    wrong = [f"“{known[name].label}”: {what}" for name, what in out_of_bounds(policy, before).items()]
    if wrong:
        raise PolicyChangeError("; ".join(wrong))


def differences(before: Policy, after: Policy) -> dict[str, tuple[Any, Any]]:
    """Return field -> (before, after) as JSON values, for the fields that differ."""
    was, becomes = before.model_dump(mode="json"), after.model_dump(mode="json")
    return {name: (was[name], becomes[name]) for name in was if getattr(before, name) != getattr(after, name)}
