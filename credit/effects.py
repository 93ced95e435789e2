"""What a decision does to a customer, in sentences: told before it is made, the same on every way of making it."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from credit.policy import Policy
from credit.states import ProposalKind, Verdict
from credit.wording import counted, long_span


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
    still_open: str = ""
    """What the customer owes, with its currency and age; empty where it owes nothing."""


class Stopped(NamedTuple):
    """What a block of all tariffs stops."""

    loads: Sequence[str]
    """The first of the loads that would go on next."""
    more_loads: int
    open_orders: int


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


def of_blocking(tariffs: Collection[str] | None, stopped: Stopped | None, policy: Policy) -> list[str]:
    """Return what a block by hand does and what it skips of a service hold, the heaviest first, each as one sentence.

    Args:
        tariffs: None for all of them.
        stopped: with all of them: what it stops.
        policy: in force.
    """
    if tariffs is not None:
        does = [f"No rates by {', '.join(sorted(tariffs))}, at once. Orders and loads go on."]
    else:
        does = [f"All tariffs are blocked at once: no rates, {_orders(policy)}, and loads stop at Committed."]
    if stopped and stopped.loads:
        more = f" and {stopped.more_loads:,} more" if stopped.more_loads else ""
        does.append(f"Committed loads that go no further: {', '.join(stopped.loads)}{more}.")
    if stopped and stopped.open_orders:
        does.append(f"Nothing is cancelled: {counted(stopped.open_orders, 'open order')} taken before stay open.")
    return [
        *does,
        "Nobody is asked: it counts at once, under your name, without a proposal or a second person.",
        "Nobody is told: no letter to the customer or the sales rep is drafted.",
        "NetSuite is not told, and the customer’s flag stays: whatever reads those goes on.",
        "It has no end, no review and no reminder: it stays until somebody deletes it.",
    ]


def _orders(policy: Policy) -> str:
    return "no new orders but prepaid ones" if policy.prepaid_orders_pass else "no new orders"


def _place(case: Case, policy: Policy) -> list[str]:
    already = " They are blocked already." if case.stays else ""
    return [
        f"All tariffs are blocked at once: no rates, {_orders(policy)}, and loads stop at Committed.{already}",
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
    owes = [f"{case.still_open} is still open, and stays so: a release settles nothing."] if case.still_open else []
    return [
        *owes,
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
