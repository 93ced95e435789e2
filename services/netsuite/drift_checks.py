"""The last comparison of NetSuite with the record: whether there was one, how it ended, and so what is known.

That nothing is listed as different says something only where a check came to its end: each of these is told apart.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError

from workflows.contract import DRIFT_CHECK, DriftReport

_LOOKED_BACK = 10
"""Checks that are looked through for the newest that came to its end."""


class CheckState(StrEnum):
    """Where the newest check stands."""

    NEVER = "never"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Temporal does not answer."""


@dataclass(frozen=True)
class LastCheck:
    """The newest check, and the newest that came to its end, where there are any."""

    state: CheckState
    started_at: datetime | None = None
    workflow_id: str | None = None
    trouble: str | None = None
    """Why a running one does not get on, as its last try said."""
    done_at: datetime | None = None
    """When the newest one ended that came to its end: what is listed is as of then."""
    looked_at: int | None = None
    """Records that it compared."""


async def last(client: Client, task_queue: str) -> LastCheck:
    """Return where the newest check stands; never raises for a Temporal that is away."""
    query = f'WorkflowType = "{DRIFT_CHECK}" AND TaskQueue = "{task_queue}"'
    try:
        found = [one async for one in client.list_workflows(query, limit=_LOOKED_BACK)]
        if not found:
            return LastCheck(CheckState.NEVER)
        newest = max(found, key=lambda one: one.start_time)
        state = _STATES.get(newest.status, CheckState.FAILED) if newest.status else CheckState.FAILED
        ended = [one for one in found if one.status is WorkflowExecutionStatus.COMPLETED]
        done = max(ended, key=lambda one: one.close_time or one.start_time, default=None)
        trouble = await _trouble(client, newest) if state is CheckState.RUNNING else None
        looked_at = await _looked_at(client, done) if done else None
    except (RPCError, RuntimeError):  # RuntimeError: the SDK's first connection
        return LastCheck(CheckState.UNKNOWN)
    return LastCheck(state, newest.start_time, newest.id, trouble, done.close_time if done else None, looked_at)


_STATES = {WorkflowExecutionStatus.RUNNING: CheckState.RUNNING, WorkflowExecutionStatus.COMPLETED: CheckState.DONE}


async def _looked_at(client: Client, done: WorkflowExecution) -> int:
    handle = client.get_workflow_handle(done.id, run_id=done.run_id, result_type=DriftReport)
    report: DriftReport = await handle.result()
    return report.looked_at


async def _trouble(client: Client, running: WorkflowExecution) -> str | None:
    described = await client.get_workflow_handle(running.id, run_id=running.run_id).describe()
    failures = [one.last_failure.message for one in described.raw_description.pending_activities]
    return next((message for message in failures if message), None)


def known(check: LastCheck, *, differing: int, unwritten: int) -> str:
    """Return in one line what is known about differences, and what is not.

    Args:
        check: the last check.
        differing: differences that are listed.
        unwritten: values that still wait to be written to NetSuite: no check compares them.
    """
    waits = f"{unwritten:,} {'value waits' if unwritten == 1 else 'values wait'}"
    rest = f" {waits} to be written to NetSuite, and no check compares them before." if unwritten else ""
    return f"{_known(check, differing)}{rest}"


def _known(check: LastCheck, differing: int) -> str:
    match check.state:
        case CheckState.NEVER:
            return "No check has run yet: whether NetSuite says what the record wants is not known."
        case CheckState.UNKNOWN:
            return "Temporal does not answer: when the last check ran, and so whether anything differs, is not known."
    before = _as_of(check, differing)
    started = _minute(check.started_at)
    match check.state:
        case CheckState.RUNNING:
            stuck = f" It does not get on: {check.trouble}." if check.trouble else ""
            return f"A check is running since {started}.{stuck} {before}"
        case CheckState.FAILED:
            return f"The check of {started} did not come to its end. {before}"
    return before


def _as_of(check: LastCheck, differing: int) -> str:
    if check.done_at is None:
        return "None has come to its end yet: whether NetSuite says what the record wants is not known."
    as_of = _minute(check.done_at)
    if differing:
        return f"What is listed differed as of {as_of}."
    if not check.looked_at:
        return f"As of {as_of} there was nothing to compare: NetSuite was told of no hold."
    compared = f"{check.looked_at:,} {'record was' if check.looked_at == 1 else 'records were'} compared"
    return f"Nothing differs as of {as_of}, when {compared}."


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "an unknown time"
