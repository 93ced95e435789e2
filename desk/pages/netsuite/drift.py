"""`/drift`: where NetSuite says something else than the record, and what a person can do about it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from desk.flashes import see_other
from desk.pages.common import Approver, Desk, Reason, Requester, Scanner, Viewer
from desk.rendering import render_live
from desk.surroundings import in_transaction
from netsuite.records import CreditHoldOverride
from services.netsuite import drift_checks
from services.netsuite.answers import Differences

router = APIRouter(include_in_schema=False)

_PATIENCE = 10.0
"""Seconds that a person waits for a check; a longer one goes on without them."""


@router.get("/drift")
async def show(request: Request, desk: Desk, _: Viewer) -> Response:
    """Show the differences that nobody has decided about, and the last check."""
    found = await in_transaction(desk, Differences.of)
    last = await drift_checks.last(desk.client, desk.settings.task_queue)
    return render_live(
        request,
        "netsuite/drift.html",
        address="/drift",
        every=3 if last.state == "running" else 15,
        rows=found.drift,
        last=last,
        known=drift_checks.known(last, differing=len(found.drift), unwritten=found.unwritten),
        priors=list(CreditHoldOverride),
    )


@router.post("/drift/check")
async def check(desk: Desk, who: Scanner) -> Response:
    try:
        async with asyncio.timeout(_PATIENCE):
            await desk.drift.check(actor=who.name)
    except TimeoutError:
        return see_other("/drift", "drift_check_started")
    return see_other("/drift", "drift_checked")


@router.post("/drift/{customer_id:path}/repair")
async def repair(customer_id: str, desk: Desk, who: Approver, reason: Reason) -> Response:
    await desk.drift.repair(customer_id, actor=who.name, reason=reason)
    return see_other("/drift", "drift_repair_ordered")


@router.post("/drift/{customer_id:path}/accept")
async def accept(customer_id: str, desk: Desk, who: Approver, reason: Reason) -> Response:
    await desk.drift.accept(customer_id, actor=who.name, reason=reason)
    return see_other("/drift", "drift_accepted")


@router.post("/drift/{customer_id:path}/adopt")
async def adopt(
    customer_id: str,
    desk: Desk,
    who: Requester,
    reason: Reason,
    prior: Annotated[CreditHoldOverride, Form()] = CreditHoldOverride.AUTO,
) -> Response:
    started = await desk.drift.adopt(customer_id, prior=prior, actor=who.name, reason=reason)
    return see_other(f"/holds/{started.hold_id}", "hold_started")
