"""The AR aging scan over HTTP: when it is due, what it found, run it, pause it, and whom it would propose."""

from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field
from sqlalchemy.orm import Session
from temporalio.service import RPCError

from db import policies
from db.errors import RefusedError, UnknownRunError
from db.receivables import aging, receivables
from desk import paging
from desk.api.common import Body, Desk, Line, Mended, Scanner, Scheduler, Viewer, api_router
from desk.problems import refuses
from desk.surroundings import Surroundings, in_transaction
from services import schedules
from services.receivables import answers, backtest
from services.schedules import BadScheduleError

router = api_router("AR aging", "/api/ar-aging")

Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))]


RunId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$", description="As the start of it answered.")]

_PATIENCE = timedelta(seconds=20)
"""How long one request waits for the end of a scan."""


class NoScheduleError(RefusedError):
    """There is no schedule yet."""

    code = "no_schedule"

    def __init__(self) -> None:
        super().__init__("there is no schedule yet: a worker makes it when it starts, or `hold ar schedule --cron …`")


class NewScan(Body):
    """Which day's receivables to look at; today's by default."""

    as_of: Day | None = None


class NewSchedule(Body):
    """When the scan is to be due."""

    cron: Line | None = None
    """Five fields: minute, hour, day, month, weekday."""
    time_zone: Line | None = None
    """Like Europe/Oslo."""


class PolicyToTry(Body):
    """Some of the policy's fields, to see whom the scan would propose with them."""

    as_of: Day | None = None
    changes: Annotated[dict[str, Any], Field(examples=[{"trigger_days_overdue": 45}])]


@router.get("")
@refuses(RPCError)
async def look(desk: Desk, _: Viewer) -> answers.ArAging:
    """Show when the scan is due, and the newest runs with what they made of whom they found."""
    schedule = await schedules.show(desk.client)
    runs = await in_transaction(desk, lambda session: [answers.Scan.of_row(run) for run in aging.recent_runs(session)])
    return answers.ArAging(schedule=answers.ScanSchedule.of(schedule) if schedule else None, runs=runs)


@router.post("/run", status_code=HTTPStatus.ACCEPTED)
@refuses(RPCError)
async def run(desk: Desk, who: Scanner, body: NewScan | None = None) -> answers.StartedScan:
    """Start a scan now; each hold it proposes waits for its approver."""
    as_of = (body and body.as_of) or datetime.now(UTC).date()
    return answers.StartedScan(workflow_id=await desk.operations.start_scan(as_of, actor=who.name), as_of=as_of)


@router.post("/pause")
@refuses(NoScheduleError, RPCError)
async def pause(body: Mended, desk: Desk, who: Scheduler) -> answers.ScanSchedule:
    """Stop the scan from becoming due, until it is resumed."""
    await _needed(desk)
    await desk.operations.pause_scans(actor=who.name, reason=body.reason)
    return await _schedule(desk)


@router.post("/resume")
@refuses(NoScheduleError, RPCError)
async def resume(body: Mended, desk: Desk, who: Scheduler) -> answers.ScanSchedule:
    """Let the scan become due again."""
    await _needed(desk)
    await desk.operations.resume_scans(actor=who.name, reason=body.reason)
    return await _schedule(desk)


@router.get("/runs/{workflow_id}")
@refuses(UnknownRunError, RPCError)
async def follow(workflow_id: RunId, desk: Desk, _: Viewer) -> answers.ScanEnd:
    """Wait some seconds for the end of a scan that was started by hand; ask again while `report` is null."""
    report = await desk.operations.scan_report(workflow_id, wait=_PATIENCE)
    return answers.ScanEnd(workflow_id=workflow_id, report=report)


@router.put("/schedule")
@refuses(BadScheduleError, NoScheduleError, RPCError)
async def reschedule(body: NewSchedule, desk: Desk, who: Scheduler) -> answers.ScanSchedule:
    """Set when the scan is due; what is left out stays. A pause stays a pause."""
    del who
    await schedules.reschedule(desk.client, desk.settings, cron=body.cron, time_zone=body.time_zone)
    return await _schedule(desk)


@router.post("/schedule/run")
@refuses(NoScheduleError, RPCError)
async def run_as_due(desk: Desk, who: Scheduler) -> answers.ScanSchedule:
    """Run the scan now, as if it were due: after one that is under way."""
    del who
    await _needed(desk)
    await schedules.run_now(desk.client)
    return await _schedule(desk)


@router.post("/backtest")
async def backtest_policy(body: PolicyToTry, desk: Desk, _: Viewer) -> answers.Backtest:
    """List whom the scan would propose on a day, today and under a changed policy; nothing is started or changed."""
    now = datetime.now(UTC)
    return await in_transaction(desk, backtest.run, body.as_of or now.date(), body.changes, now)


@router.get("/candidates")
async def candidates(
    page: paging.Page,
    desk: Desk,
    _: Viewer,
    as_of: Annotated[Day | None, Query(description="The day to look at; today by default.")] = None,
) -> answers.Candidates:
    """List whom the scan would propose; nothing is started."""
    now = datetime.now(UTC)
    day = as_of or now.date()
    key = paging.key_of(page.cursor, parts=1)

    def read(session: Session) -> answers.Candidates:
        _, policy = policies.current(session)
        after = key[0] if key else None
        rows = receivables.candidates(session, day, policy, now=now, after=after, limit=page.limit + 1)
        return answers.Candidates.of(day, *page.cut(rows, lambda candidate: [candidate.customer_id]))

    return await in_transaction(desk, read)


async def _needed(desk: Surroundings) -> None:
    if not await schedules.exists(desk.client):
        raise NoScheduleError


async def _schedule(desk: Surroundings) -> answers.ScanSchedule:
    schedule = await schedules.show(desk.client)
    if schedule is None:
        raise NoScheduleError
    return answers.ScanSchedule.of(schedule)
