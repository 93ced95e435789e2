"""What a decision does to a customer, in sentences: told before it is made, the same on every way of making it."""

from collections.abc import Sequence

from pydantic import BaseModel

from credit.policy import Policy
from credit.states import ProposalKind, Verdict
from credit.wording import long_span


class Case(BaseModel):
    """What a decision's effects depend on."""

    kind: ProposalKind
    netsuite_prior: str | None = None
    """What NetSuite said before the hold; None where nobody has read it yet."""
    netsuite_wanted: str | None = None
    """Of a difference: what the record wants NetSuite to say."""
    netsuite_found: str | None = None
    """Of a difference: what NetSuite says."""
    stays: Sequence[str] = ()
    """What keeps all tariffs blocked besides this hold."""
    auto_applied: bool = False
    """Whether the credit limit put the customer on credit hold already."""


def effects(case: Case, verdict: Verdict, policy: Policy) -> list[str]:
    """Return what a decision does, the heaviest first, each as one sentence."""
    if verdict is Verdict.DECLINE:
        return _OF_DECLINING[case.kind](case, policy)
    told = _OF_APPROVING[case.kind](case, policy)
    if policy.approval_undo:
        told.append(
            f"For {long_span(policy.approval_undo)} the approval can be taken back, and nothing is done before."
        )
    return told


def _place(case: Case, policy: Policy) -> list[str]:
    orders = "no new orders but prepaid ones" if policy.prepaid_orders_pass else "no new orders"
    already = " They are blocked already." if case.stays else ""
    return [
        f"All tariffs are blocked at once: no rates, {orders}, and loads stop at Committed.{already}",
        "The customer is flagged: its status becomes Hold, its credit status Credit Hold.",
        "NetSuite’s credit hold is set to ON.",
        "Two messages are drafted, to sales rep and customer. Nothing is sent: each waits for its own review.",
    ]


def _release(case: Case, _: Policy) -> list[str]:
    free = (
        [f"All tariffs stay blocked all the same ({'; '.join(case.stays)})."]
        if case.stays
        else ["All tariffs are free at once: rates and new orders again, and loads go past Committed."]
    )
    prior = case.netsuite_prior
    netsuite = (
        f"NetSuite’s credit hold says {prior} again, as before the hold."
        if prior
        else ("NetSuite’s credit hold says again what it said before the hold.")
    )
    return [
        *free,
        "The customer is taken off hold: its status is again what it was before.",
        netsuite,
        "Two messages that tell of it are drafted. Nothing is sent: each waits for its own review.",
        "What the hold drafted and nobody sent is withdrawn.",
    ]


def _repair(case: Case, _: Policy) -> list[str]:
    wanted, found = case.netsuite_wanted or "what the hold wants", case.netsuite_found
    return [f"NetSuite is written again: {wanted}{f' instead of {found}' if found else ''}.", "Nothing else is done."]


def _no_hold(case: Case, policy: Policy) -> list[str]:
    nothing = "No service hold comes into force." if case.auto_applied else "Nothing is done to the customer."
    quiet = long_span(policy.decline_snooze)
    return [nothing, f"AR aging stays quiet about it for {quiet} unless the case gets worse."]


def _no_release(_: Case, __: Policy) -> list[str]:
    return ["The hold stays, with everything that it did. Its release can be proposed again at any time."]


def _no_repair(case: Case, _: Policy) -> list[str]:
    keeps = f"NetSuite keeps {case.netsuite_found or 'what it says'}"
    return [f"{keeps}, and it is not asked about again until NetSuite says something else. The hold stays."]


_OF_APPROVING = {ProposalKind.PLACE: _place, ProposalKind.RELEASE: _release, ProposalKind.REPAIR: _repair}
_OF_DECLINING = {ProposalKind.PLACE: _no_hold, ProposalKind.RELEASE: _no_release, ProposalKind.REPAIR: _no_repair}
