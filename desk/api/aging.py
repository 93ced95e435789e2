"""The AR aging scan over HTTP: when it is due, what it found, run it, pause it, and whom it would propose."""

from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from db import policies
from db.errors import RefusedError
from db.receivables import aging, receivables
from desk import paging
from desk.api import settings_answers as answers
from desk.api.common import Body, Desk, Line, Mended, Scanner, Scheduler, Viewer, api_router, fresh
from desk.problems import documented
from desk.surroundings import Surroundings, in_transaction
from services import schedules, settings_documents
from services.answers import Document, utc
from services.receivables import aging_answers, backtest, customer_documents
from services.receivables.backtest import Backtest

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


class ChangedPolicy(Body):
    """Some of the policy's fields, to see whom the scan would propose with them."""

    as_of: Day | None = None
    changes: dict[str, Any]


@router.get("", response_model=answers.ArAging)
async def look(desk: Desk, _: Viewer) -> Response:
    """Show when the scan is due, and the newest runs with what they made of whom they found."""
    schedule = await _schedule(desk)
    runs = await in_transaction(
        desk, lambda session: [settings_documents.scan(run) for run in aging.recent_runs(session)]
    )
    return JSONResponse({"schedule": schedule, "runs": runs})


@router.post("/run", status_code=HTTPStatus.ACCEPTED, response_model=answers.StartedScan)
async def run(desk: Desk, who: Scanner, body: NewScan | None = None) -> Response:
    """Start a scan now; each hold it proposes waits for its approver."""
    as_of = (body and body.as_of) or datetime.now(UTC).date()
    workflow_id = await desk.operations.start_scan(as_of, actor=who.name)
    return JSONResponse({"workflow_id": workflow_id, "as_of": as_of.isoformat()}, HTTPStatus.ACCEPTED)


@router.post("/pause", response_model=answers.ScanSchedule, responses=documented(HTTPStatus.CONFLICT))
async def pause(body: Mended, desk: Desk, who: Scheduler) -> Response:
    """Stop the scan from becoming due, until it is resumed."""
    await _existing(desk)
    await desk.operations.pause_scans(actor=who.name, reason=body.reason)
    return JSONResponse(await _existing(desk))


@router.post("/resume", response_model=answers.ScanSchedule, responses=documented(HTTPStatus.CONFLICT))
async def resume(body: Mended, desk: Desk, who: Scheduler) -> Response:
    """Let the scan become due again."""
    await _existing(desk)
    await desk.operations.resume_scans(actor=who.name, reason=body.reason)
    return JSONResponse(await _existing(desk))


@router.get("/runs/{workflow_id}", response_model=aging_answers.ScanEnd, responses=documented(HTTPStatus.NOT_FOUND))
async def follow(workflow_id: RunId, desk: Desk, _: Viewer) -> aging_answers.ScanEnd:
    """Wait some seconds for the end of a scan that was started by hand; ask again while `report` is null."""
    report = await desk.operations.scan_report(workflow_id, wait=_PATIENCE)
    return aging_answers.ScanEnd(workflow_id=workflow_id, report=report)


@router.put("/schedule", response_model=answers.ScanSchedule)
async def reschedule(body: NewSchedule, desk: Desk, who: Scheduler) -> Response:
    """Set when the scan is due; what is left out stays. A pause stays a pause."""
    del who
    await schedules.reschedule(desk.client, desk.settings, cron=body.cron, time_zone=body.time_zone)
    return JSONResponse(await _existing(desk))


@router.post("/schedule/run", response_model=answers.ScanSchedule, responses=documented(HTTPStatus.CONFLICT))
async def run_as_due(desk: Desk, who: Scheduler) -> Response:
    """Run the scan now, as if it were due: after one that is under way."""
    del who
    await _existing(desk)
    await schedules.run_now(desk.client)
    return JSONResponse(await _existing(desk))


@router.post("/backtest")
async def backtest_policy(body: ChangedPolicy, desk: Desk, _: Viewer) -> Backtest:
    """List whom the scan would propose on a day, today and under a changed policy; nothing is started or changed."""
    now = datetime.now(UTC)
    return await in_transaction(
        desk, lambda session: backtest.run(session, body.as_of or now.date(), body.changes, now)
    )


@router.get("/candidates", response_model=answers.Candidates)
async def candidates(
    request: Request,
    desk: Desk,
    _: Viewer,
    as_of: Annotated[Day | None, Query(description="The day to look at; today by default.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List whom the scan would propose; nothing is started."""
    now = datetime.now(UTC)
    day = as_of or now.date()
    key = paging.key_of(cursor, parts=1)

    def read(session: Session) -> tuple[Document, str | None]:
        _, policy = policies.current(session)
        after = key[0] if key else None
        found = receivables.candidates(session, day, policy, now=now, after=after, limit=limit + 1)
        page, following = paging.cut(found, limit, lambda candidate: [candidate.customer_id])
        return customer_documents.candidates(day, page) | {"next_cursor": following}, following

    document, following = await in_transaction(desk, read)
    return fresh(request, document, paging.next_link(request, following))


async def _existing(desk: Surroundings) -> Document:
    schedule = await _schedule(desk)
    if schedule is None:
        raise NoScheduleError
    return schedule


async def _schedule(desk: Surroundings) -> Document | None:
    found = await schedules.show(desk.client)
    if found is None:
        return None
    return {
        "cron": found.cron,
        "time_zone": found.time_zone,
        "paused": found.paused,
        "note": found.note,
        "next_runs": [utc(at) for at in found.next_runs],
        "recent_runs": [{"at": utc(at), "workflow_id": workflow} for at, workflow in found.recent_runs],
    }
