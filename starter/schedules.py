"""The schedules in Temporal: created when a worker first starts, and never set back by a later start.

What an operator chose (cron, time zone, paused) lives in the schedule itself. A worker only brings the *action* up to
date: the workflow, its queue and its input.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from db.errors import RefusedError
from workflows.contract import AR_AGING, ArAgingInput

AR_AGING_SCHEDULE = "ar-aging"


class BadScheduleError(RefusedError):
    """The cron line or time zone is not one."""

    code = "bad_schedule"


@dataclass(frozen=True)
class Scheduled:
    """What a schedule will do."""

    cron: str
    time_zone: str
    paused: bool
    note: str
    next_runs: list[datetime]
    recent_runs: list[tuple[datetime, str]]
    """When, and the workflow id."""


def _action(time_zone: str, task_queue: str) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(
        AR_AGING,
        ArAgingInput(requested_by="schedule", time_zone=time_zone),
        id=AR_AGING_SCHEDULE,
        task_queue=task_queue,
        static_summary="AR aging scan",
    )


def _spec(cron: str, time_zone: str) -> ScheduleSpec:
    # The server takes the line apart; as the line's comment it stays readable.
    return ScheduleSpec(cron_expressions=[f"{cron} #{cron}"], time_zone_name=time_zone)


_POLICY = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=timedelta(days=1))
"""A scan that is due while one runs waits for it and runs once (a skipped one could hide behind a stuck one for days).
After an outage the last day's scan is made up for, and no older one: a scan looks at the ledger of today."""


async def ensure(client: Client, *, cron: str, time_zone: str, task_queue: str) -> None:
    """Create the AR aging schedule, or bring the action of the one that is there up to date.

    Raises:
        BadScheduleError: the cron line or time zone is not one.
        RPCError: Temporal is away.
    """
    try:
        await _create(client, cron, time_zone, task_queue)
    except ScheduleAlreadyRunningError:

        def fresh_action(found: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule = found.description.schedule
            schedule.action = _action(schedule.spec.time_zone_name or "UTC", task_queue)
            return ScheduleUpdate(schedule)

        await client.get_schedule_handle(AR_AGING_SCHEDULE).update(fresh_action)


async def _create(client: Client, cron: str, time_zone: str, task_queue: str) -> None:
    _check_time_zone(time_zone)
    schedule = Schedule(
        action=_action(time_zone, task_queue),
        spec=_spec(cron, time_zone),
        policy=_POLICY,
        state=ScheduleState(note="Proposes holds; each waits for its approver."),
    )
    try:
        await client.create_schedule(AR_AGING_SCHEDULE, schedule)
    except RPCError as error:
        _explain(error, cron)
        raise


async def change(client: Client, *, cron: str, time_zone: str, task_queue: str) -> None:
    """Set when the scan is due; whether it is paused stays as it is.

    Raises:
        BadScheduleError: the cron line or time zone is not one.
        RPCError: Temporal is away.
    """
    _check_time_zone(time_zone)

    def fresh(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = found.description.schedule
        schedule.spec = _spec(cron, time_zone)
        schedule.action = _action(time_zone, task_queue)
        schedule.policy = _POLICY
        return ScheduleUpdate(schedule)

    try:
        await _create(client, cron, time_zone, task_queue)
    except ScheduleAlreadyRunningError:
        try:
            await client.get_schedule_handle(AR_AGING_SCHEDULE).update(fresh)
        except RPCError as error:
            _explain(error, cron)
            raise


async def pause(client: Client, note: str) -> None:
    """Stop the scan from becoming due."""
    await client.get_schedule_handle(AR_AGING_SCHEDULE).pause(note=note)


async def resume(client: Client, note: str) -> None:
    """Let the scan become due again."""
    await client.get_schedule_handle(AR_AGING_SCHEDULE).unpause(note=note)


async def run_now(client: Client) -> None:
    """Run the scan now, as if it were due."""
    await client.get_schedule_handle(AR_AGING_SCHEDULE).trigger()


async def show(client: Client) -> Scheduled | None:
    """Return what the schedule will do; None where there is none.

    Raises:
        RPCError: Temporal is away.
    """
    try:
        found: ScheduleDescription = await client.get_schedule_handle(AR_AGING_SCHEDULE).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    spec, state = found.schedule.spec, found.schedule.state
    return Scheduled(
        cron=next((calendar.comment or "" for calendar in spec.calendars), ""),
        time_zone=spec.time_zone_name or "UTC",
        paused=state.paused,
        note=state.note or "",
        next_runs=list(found.info.next_action_times),
        recent_runs=[(result.started_at, _workflow_id(result.action)) for result in found.info.recent_actions],
    )


def _workflow_id(action: object) -> str:
    return str(getattr(action, "workflow_id", ""))


def _check_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadScheduleError(f"no time zone {time_zone!r}: give one like Europe/Oslo or UTC") from error


def _explain(error: RPCError, cron: str) -> None:
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        raise BadScheduleError(f"cron line {cron!r}: {error.message}; give five fields, like 0 6 * * *") from error
