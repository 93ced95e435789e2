"""`/aging`: when the scan is due, what the last ones found, run it, pause it, and whom it would propose."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session
from temporalio.service import RPCError

from credit.facts import Facts
from db import policies, row_by_row
from db.freight import credit_hold_page
from db.freight.credit_hold_page import Held
from db.models import ArAgingItem, ArAgingRun
from db.receivables import aging, customer_page, receivables
from db.receivables.receivables import Candidate
from desk.flashes import see_other
from desk.pages.common import Desk, Scanner, Scheduler, Viewer
from desk.pages.filters import Filter
from desk.rendering import render
from desk.surroundings import in_transaction
from services import schedules
from services.schedules import Scheduled

router = APIRouter(include_in_schema=False)

Reason = Annotated[str, Form(max_length=500)]

RUNS = 20
LISTED = 200
HELD = 50


@router.get("/aging")
async def show(
    request: Request,
    desk: Desk,
    _: Viewer,
    dry_run: str | None = None,
    after: str | None = None,
    held_after: str | None = None,
) -> Response:
    """Show the schedule, the last runs and who is on credit hold; with `dry_run` whom a scan would propose."""
    now = datetime.now(UTC)
    asked = Filter(dry_run=dry_run or "")
    day = asked.day("dry_run") or now.date()

    def read(session: Session) -> tuple[list[ArAgingRun], list[Held], list[Candidate] | None]:
        runs = list(aging.recent_runs(session, RUNS))
        held = credit_hold_page.held(session, after=held_after, limit=HELD + 1)
        if dry_run is None or asked.wrong:
            return runs, held, None
        _, policy = policies.current(session)
        return runs, held, receivables.candidates(session, day, policy, now=now, after=after, limit=LISTED + 1)

    runs, held, found = await in_transaction(desk, read)
    schedule, away = await _schedule(desk)
    return render(
        request,
        "receivables/aging.html",
        asked.status,
        schedule=schedule,
        away=away,
        runs=runs,
        held=held[:HELD],
        held_after=held_after,
        held_more=held[HELD - 1].customer_id if len(held) > HELD else None,
        day=day,
        asked=asked,
        candidates=found[:LISTED] if found is not None else None,
        more=found[LISTED - 1].customer_id if found and len(found) > LISTED else None,
    )


@router.get("/aging/runs/{run_id}")
async def show_run(request: Request, run_id: UUID, desk: Desk, _: Viewer, after: str | None = None) -> Response:
    """Show what one scan made of each customer above the threshold."""

    def read(session: Session) -> tuple[ArAgingRun, list[ArAgingItem], dict[str, str]]:
        run = customer_page.run(session, run_id)
        items = list(customer_page.run_items(session, run_id, after=after, limit=LISTED + 1))
        return run, items, customer_page.names(session, [item.customer_id for item in items])

    run, items, names = await in_transaction(desk, read)
    more = items[LISTED - 1].customer_id if len(items) > LISTED else None
    rows = row_by_row.build(
        items[:LISTED],
        lambda item: (item, names[item.customer_id], Facts.model_validate(item.facts)),
        lambda item: (item, names.get(item.customer_id, ""), None),
    )
    return render(request, "receivables/aging_run.html", run=run, rows=rows, more=more)


@router.post("/aging/run")
async def run_now(desk: Desk, who: Scanner) -> Response:
    await desk.operations.start_scan(datetime.now(UTC).date(), actor=who.name)
    return see_other("/aging", "scan_started")


@router.post("/aging/pause")
async def pause(desk: Desk, who: Scheduler, reason: Reason = "") -> Response:
    await desk.operations.pause_scans(actor=who.name, reason=reason.strip())
    return see_other("/aging", "schedule_paused")


@router.post("/aging/resume")
async def resume(desk: Desk, who: Scheduler, reason: Reason = "") -> Response:
    await desk.operations.resume_scans(actor=who.name, reason=reason.strip())
    return see_other("/aging", "schedule_resumed")


async def _schedule(desk: Desk) -> tuple[Scheduled | None, bool]:
    """Return the schedule, and whether Temporal is away: the runs are worth showing all the same."""
    try:
        return await schedules.show(desk.client), False
    except (RPCError, RuntimeError):  # RuntimeError: the SDK's first connection
        return None, True
