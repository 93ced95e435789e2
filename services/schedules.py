"""The schedules in Temporal: created when a worker first starts, and never set back by a later start.

What an operator chose (cron, time zone, paused) lives in the schedule itself. A worker only brings the *action* up to
date: the workflow, its queue and its input.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from http import HTTPStatus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleAction,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from credit.actors import OwnActor
from credit.wording import counted
from db.errors import RefusedError
from runtime.settings import Settings
from workflows.contract import (
    AR_AGING,
    AUDIT_ANCHOR,
    DRIFT_CHECK,
    RECONCILE,
    ArAgingInput,
    DriftCheckInput,
    ReconcileInput,
)

AR_AGING_SCHEDULE = "ar-aging"
RECONCILE_SCHEDULE = "reconcile"
AUDIT_ANCHOR_SCHEDULE = "audit-anchor"
DRIFT_SCHEDULE = "netsuite-drift"


class BadScheduleError(RefusedError):
    """The cron line or time zone is not one."""

    code = "bad_schedule"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


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
    warnings: list[str]
    """The days within a year on which it runs oftener or less often than a week before: the clocks change."""


def _aging_action(time_zone: str, task_queue: str) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(
        AR_AGING,
        ArAgingInput(requested_by=OwnActor.SCHEDULE, time_zone=time_zone),
        id=AR_AGING_SCHEDULE,
        task_queue=task_queue,
        static_summary="AR aging scan",
    )


def _aging_spec(cron: str, time_zone: str) -> ScheduleSpec:
    # The server takes the line apart; as the line's comment it stays readable.
    return ScheduleSpec(cron_expressions=[f"{cron} #{cron}"], time_zone_name=time_zone)


_AGING = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=timedelta(days=1))
"""A scan that is due while one runs waits for it and runs once (a skipped one could hide behind a stuck one for days).
After an outage the last day's scan is made up for, and no older one: a scan looks at the ledger of today."""


_ABOUT_NOW = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1))
"""A comparison or an anchor is about now: one that is missed or late is worth nothing."""


async def ensure(client: Client, settings: Settings) -> None:
    """Create the schedules, or bring the actions of those that are there up to date.

    Raises:
        BadScheduleError: the cron line or time zone is not one.
        RPCError: Temporal is away.
    """
    cron, time_zone, task_queue = settings.ar_aging_cron, settings.ar_aging_time_zone, settings.task_queue
    _check_time_zone(time_zone)
    aging = Schedule(
        action=_aging_action(time_zone, task_queue),
        spec=_aging_spec(cron, time_zone),
        policy=_AGING,
        state=ScheduleState(note="Proposes holds; each waits for its approver."),
    )
    reconcile = Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILE,
            ReconcileInput(),
            id=RECONCILE_SCHEDULE,
            task_queue=task_queue,
            static_summary="Compare the record with Temporal",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=settings.reconcile_minutes))]),
        policy=_ABOUT_NOW,
        state=ScheduleState(note="Restarts workflows that are gone; reports the rest. See `hold doctor --repair`."),
    )
    drift = Schedule(
        action=ScheduleActionStartWorkflow(
            DRIFT_CHECK,
            DriftCheckInput(),
            id=DRIFT_SCHEDULE,
            task_queue=task_queue,
            static_summary="Compare NetSuite with the record",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=settings.netsuite_drift_minutes))]),
        policy=_ABOUT_NOW,
        state=ScheduleState(note="Asks about what differs; rewrites nothing. See `hold drift`."),
    )
    wanted = {
        AR_AGING_SCHEDULE: aging,
        RECONCILE_SCHEDULE: reconcile,
        AUDIT_ANCHOR_SCHEDULE: anchoring(settings),
        DRIFT_SCHEDULE: drift,
    }
    for name, schedule in wanted.items():
        try:
            await _create(client, name, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(name).update(partial(_fresh_action, schedule.action))


def anchoring(settings: Settings) -> Schedule:
    """Return when and how the audit trail is anchored. Each run is given what the one before it answered."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            AUDIT_ANCHOR,
            id=AUDIT_ANCHOR_SCHEDULE,
            task_queue=settings.task_queue,
            static_summary="Anchor the audit trail",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=settings.audit_anchor_minutes))]),
        policy=_ABOUT_NOW,
        state=ScheduleState(note="Writes the heads of the audit chains down outside the database; see `hold audit`."),
    )


def _fresh_action(action: ScheduleAction, found: ScheduleUpdateInput) -> ScheduleUpdate:
    schedule = found.description.schedule
    if isinstance(action, ScheduleActionStartWorkflow) and action.workflow == AR_AGING:
        action = _aging_action(_time_zone(schedule.spec), action.task_queue)
    schedule.action = action
    return ScheduleUpdate(schedule)


async def _create(client: Client, name: str, schedule: Schedule) -> None:
    with _explained():
        await client.create_schedule(name, schedule)


async def change(client: Client, *, cron: str, time_zone: str, task_queue: str) -> None:
    """Set when the AR aging scan is due; whether it is paused stays as it is.

    Raises:
        BadScheduleError: the cron line or time zone is not one.
        RPCError: Temporal is away.
    """
    _check_time_zone(time_zone)
    wanted = Schedule(action=_aging_action(time_zone, task_queue), spec=_aging_spec(cron, time_zone), policy=_AGING)

    def fresh(found: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(wanted, state=found.description.schedule.state))

    try:
        await _create(client, AR_AGING_SCHEDULE, wanted)
    except ScheduleAlreadyRunningError:
        with _explained():
            await client.get_schedule_handle(AR_AGING_SCHEDULE).update(fresh)


async def reschedule(client: Client, settings: Settings, *, cron: str | None, time_zone: str | None) -> None:
    """Set when the AR aging scan is due; what is None stays as it is.

    Raises:
        BadScheduleError: the cron line or time zone is not one.
        RPCError: Temporal is away.
    """
    known = await _described(client)
    spec = known.schedule.spec if known else None
    await change(
        client,
        cron=cron or (_cron(spec) if spec else settings.ar_aging_cron),
        time_zone=time_zone or (_time_zone(spec) if spec else settings.ar_aging_time_zone),
        task_queue=settings.task_queue,
    )


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
    found = await _described(client)
    if found is None:
        return None
    spec, state = found.schedule.spec, found.schedule.state
    return Scheduled(
        cron=_cron(spec),
        time_zone=_time_zone(spec),
        paused=state.paused,
        note=state.note or "",
        next_runs=list(found.info.next_action_times),
        recent_runs=[(result.started_at, _workflow_id(result.action)) for result in found.info.recent_actions],
        warnings=await _clock_changes(client, ZoneInfo(_time_zone(spec))),
    )


async def exists(client: Client) -> bool:
    """Return whether there is a schedule, without asking what it will do.

    Raises:
        RPCError: Temporal is away.
    """
    return await _described(client) is not None


async def _described(client: Client) -> ScheduleDescription | None:
    try:
        return await client.get_schedule_handle(AR_AGING_SCHEDULE).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


def _cron(due: ScheduleSpec) -> str:
    return next((calendar.comment or "" for calendar in due.calendars), "")


def _time_zone(due: ScheduleSpec) -> str:
    return due.time_zone_name or "UTC"


async def _clock_changes(client: Client, zone: ZoneInfo) -> list[str]:
    """Name the days to come on which the time of a run does not exist, or comes twice."""
    found = []
    for day in _days_of_other_length(zone, datetime.now(zone).date()):
        usual, runs = await _runs_on(client, day - timedelta(days=7), zone), await _runs_on(client, day, zone)
        if runs != usual:
            often = counted(runs, "time") if runs else "not at all"
            found.append(
                f"on {day:%A} {day}, when the clocks change, it runs {often} instead of {counted(usual, 'time')}: "
                "choose a time that every day has once, like 06:00"
            )
    return found


def _days_of_other_length(zone: ZoneInfo, today: date) -> list[date]:
    days = [today + timedelta(days=number) for number in range(366)]
    begins = [datetime.combine(day, time(), zone).astimezone(UTC) for day in [*days, days[-1] + timedelta(days=1)]]
    lengths = zip(days, itertools.pairwise(begins), strict=True)
    return [day for day, (begin, end) in lengths if end - begin != timedelta(days=1)]


async def _runs_on(client: Client, day: date, zone: ZoneInfo) -> int:
    """Ask Temporal how often the scan is due on a local day."""
    asked = ListScheduleMatchingTimesRequest(namespace=client.namespace, schedule_id=AR_AGING_SCHEDULE)
    moment = timedelta(microseconds=1)  # what begins with the day belongs to it
    asked.start_time.FromDatetime(datetime.combine(day, time(), zone).astimezone(UTC) - moment)
    asked.end_time.FromDatetime(datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC) - moment)
    return len((await client.workflow_service.list_schedule_matching_times(asked)).start_time)


def _workflow_id(action: object) -> str:
    return str(getattr(action, "workflow_id", ""))


def _check_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadScheduleError(f"no time zone {time_zone!r}: give one like Europe/Oslo or UTC") from error


@contextmanager
def _explained() -> Iterator[None]:
    """Say what is wrong with a cron line that the server refuses."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise BadScheduleError(f"{error.message}; give a cron line of five fields, like 0 6 * * *") from error
        raise
