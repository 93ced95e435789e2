"""Every retry and timeout, by name. Business waits come from `credit.policy`; these are the machine's.

Nothing here gives up: attempts are unlimited, and what keeps failing is visible (docs/decisions/0012).
"""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class ActivityOptions(TypedDict, total=False):
    """What `workflow.execute_activity` takes."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)
"""Our own database: it comes back soon, and then we should notice soon."""

OUTAGE = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
"""A foreign system: in an outage about one request a minute and hold, for as long as it lasts."""

ONCE = RetryPolicy(maximum_attempts=1)
"""The first try of a push or a mail: whatever it says must be visible at once, then its round goes on."""

DATABASE = ActivityOptions(start_to_close_timeout=timedelta(seconds=10), retry_policy=PATIENT)
"""One transaction. A worker killed within it costs at most the ten seconds."""

_NETSUITE = ActivityOptions(start_to_close_timeout=timedelta(minutes=3), heartbeat_timeout=timedelta(seconds=10))
NETSUITE_FIRST_TRY = ActivityOptions(**_NETSUITE, retry_policy=ONCE)
NETSUITE_ROUND = ActivityOptions(**_NETSUITE, retry_policy=OUTAGE, schedule_to_close_timeout=timedelta(minutes=30))
"""Temporal retries within a round; between rounds the workflow shows the newest error. Rounds never end by number."""

_MAIL = ActivityOptions(start_to_close_timeout=timedelta(minutes=20), heartbeat_timeout=timedelta(seconds=10))
"""A mail server may take ten minutes to answer (RFC 5321, 4.5.3.2.6). A killed worker is noticed in seconds."""
MAIL_FIRST_TRY = ActivityOptions(**_MAIL, retry_policy=ONCE)
MAIL_ROUND = ActivityOptions(**_MAIL, retry_policy=OUTAGE, schedule_to_close_timeout=timedelta(minutes=60))
"""As with NetSuite: Temporal retries within a round, rounds never end by number."""


NETSUITE_QUERY = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=10), heartbeat_timeout=timedelta(seconds=10), retry_policy=OUTAGE
)
"""A page of a comparison: some queries, and a reading of each record that differs."""

SHORTEST_WAIT = timedelta(seconds=1)
"""No timer is shorter: see `workflows/waiting.py`."""

BETWEEN_ROUNDS = timedelta(seconds=1)
"""The wait after a failed round, where NetSuite asked for none."""

SCAN_PAGE = ActivityOptions(start_to_close_timeout=timedelta(minutes=5), retry_policy=PATIENT)
"""One set-based query over the whole ledger, at a million customers some seconds."""

PROPOSE_BATCH = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=30), heartbeat_timeout=timedelta(seconds=15), retry_policy=PATIENT
)
"""Proposals of one batch, each waited for: this is the scan's backpressure."""

RECONCILE_PAGE = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=10), heartbeat_timeout=timedelta(seconds=15), retry_policy=PATIENT
)
"""A page of comparisons, each a question to Temporal."""

ANCHOR = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=10), heartbeat_timeout=timedelta(seconds=15), retry_policy=PATIENT
)
"""Every head compared with the anchor file, at a million rows some seconds."""

FIRST_OUTCOME = timedelta(seconds=10)
"""How long an applying hold waits for a first answer on each beat before it counts as in force."""
