"""The AR aging scan over HTTP: when it is due, what it found, run it, pause it, and whom it would propose."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from db import policies
from db.errors import RefusedError
from db.receivables import aging, receivables
from desk import paging
from desk.api import settings_answers as answers
from desk.api.common import Body, Desk, Reason, Scanner, Scheduler, Viewer, api_router, fresh
from desk.problems import documented
from desk.surroundings import Surroundings, in_transaction
from services import schedules, settings_documents
from services.answers import Document, utc
from services.receivables import customer_documents

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
async def pause(body: Reason, desk: Desk, who: Scheduler) -> Response:
    """Stop the scan from becoming due, until it is resumed."""
    await _existing(desk)
    await desk.operations.pause_scans(actor=who.name, reason=body.reason)
    return JSONResponse(await _existing(desk))


@router.post("/resume", response_model=answers.ScanSchedule, responses=documented(HTTPStatus.CONFLICT))
async def resume(body: Reason, desk: Desk, who: Scheduler) -> Response:
    """Let the scan become due again."""
    await _existing(desk)
    await desk.operations.resume_scans(actor=who.name, reason=body.reason)
    return JSONResponse(await _existing(desk))


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
