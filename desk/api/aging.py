"""The AR aging scan over HTTP: when it is due, what it found, run it, pause it, and whom it would propose."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Query
from pydantic import Field
from sqlalchemy.orm import Session

from db import policies
from db.errors import RefusedError
from db.receivables import aging, receivables
from desk import paging
from desk.api.common import Body, Desk, Reason, Scanner, Scheduler, Viewer, api_router
from desk.problems import documented
from desk.surroundings import Surroundings, in_transaction
from services import schedules
from services.receivables import answers

router = api_router("AR aging", "/api/ar-aging")

Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))]


class NoScheduleError(RefusedError):
    """There is no schedule yet."""

    code = "no_schedule"

    def __init__(self) -> None:
        super().__init__("there is no schedule yet: a worker makes it when it starts, or `hold ar schedule --cron …`")


class NewScan(Body):
    """Which day's receivables to look at; today's by default."""

    as_of: Day | None = None


@router.get("")
async def look(desk: Desk, _: Viewer) -> answers.ArAging:
    """Show when the scan is due, and the newest runs with what they made of whom they found."""
    schedule = await schedules.show(desk.client)
    runs = await in_transaction(desk, lambda session: [answers.Scan.of_row(run) for run in aging.recent_runs(session)])
    return answers.ArAging(schedule=answers.ScanSchedule.of(schedule) if schedule else None, runs=runs)


@router.post("/run", status_code=HTTPStatus.ACCEPTED)
async def run(desk: Desk, who: Scanner, body: NewScan | None = None) -> answers.StartedScan:
    """Start a scan now; each hold it proposes waits for its approver."""
    as_of = (body and body.as_of) or datetime.now(UTC).date()
    return answers.StartedScan(workflow_id=await desk.operations.start_scan(as_of, actor=who.name), as_of=as_of)


@router.post("/pause", responses=documented(HTTPStatus.CONFLICT))
async def pause(body: Reason, desk: Desk, who: Scheduler) -> answers.ScanSchedule:
    """Stop the scan from becoming due, until it is resumed."""
    await _schedule(desk)
    await desk.operations.pause_scans(actor=who.name, reason=body.reason)
    return await _schedule(desk)


@router.post("/resume", responses=documented(HTTPStatus.CONFLICT))
async def resume(body: Reason, desk: Desk, who: Scheduler) -> answers.ScanSchedule:
    """Let the scan become due again."""
    await _schedule(desk)
    await desk.operations.resume_scans(actor=who.name, reason=body.reason)
    return await _schedule(desk)


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


async def _schedule(desk: Surroundings) -> answers.ScanSchedule:
    schedule = await schedules.show(desk.client)
    if schedule is None:
        raise NoScheduleError
    return answers.ScanSchedule.of(schedule)
