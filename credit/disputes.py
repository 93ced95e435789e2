"""Disputes: when they make a pattern that somebody should look at, and when they speak for lifting a hold."""

from datetime import datetime
from enum import StrEnum

from credit.policy import Policy
from credit.states import HoldStatus


class Pattern(StrEnum):
    """What a customer's disputes amount to, with the newest one."""

    NONE = "none"
    REPEATED = "repeated"
    """An AR review is staged, and recommends a hold (service-hold spec, trigger conditions)."""
    REVIEWED = "reviewed"
    """The review was staged for these disputes already: a further one is evidence only."""


def window_start(now: datetime, policy: Policy) -> datetime:
    """Return since when disputes count towards a pattern."""
    return now - policy.repeated_disputes_window


def pattern(opened_in_window: int, *, review_staged_in_window: bool, policy: Policy) -> Pattern:
    """Weigh the disputes that were opened within the policy's window, the newest one included."""
    if opened_in_window < policy.repeated_disputes_count:
        return Pattern.NONE
    return Pattern.REVIEWED if review_staged_in_window else Pattern.REPEATED


def speaks_for_release(hold: HoldStatus | None) -> bool:
    """Whether a new dispute, or a plan, asks for the release of the customer's hold: only one that was approved."""
    return hold in (HoldStatus.APPLYING, HoldStatus.IN_FORCE)
