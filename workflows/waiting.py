"""How workflows wait: for something to become true, or for a time to pass. Nothing else here starts a timer.

No wait is shorter than `policies.SHORTEST_WAIT`: what is due a moment later by another clock must not spin.
"""

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

from workflows import policies


async def until(condition: Callable[[], bool], at_most: timedelta | None = None, summary: str | None = None) -> bool:
    """Wait until the condition is true; with `at_most` no longer than that. Tells whether it became true.

    `summary` is what the Web UI says of the timer.
    """
    timed = None if at_most is None else max(at_most, policies.SHORTEST_WAIT)
    try:
        await workflow.wait_condition(condition, timeout=timed, timeout_summary=summary if timed else None)
    except TimeoutError:
        return False
    return True


async def passes(wait: timedelta, summary: str) -> None:
    """Let this long pass."""
    await workflow.sleep(max(wait, policies.SHORTEST_WAIT), summary=summary)
