"""The clock of business times within an activity (docs/decisions/0017)."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity

Clock = Callable[[], datetime]


def temporals_clock() -> Clock:
    """Return the clock for one attempt, which can be days after its order's `now`.

    It goes on from the moment at which Temporal gave the attempt out.
    """
    given_out, begun = activity.info().started_time, time.monotonic()
    return lambda: given_out + timedelta(seconds=time.monotonic() - begun)
