"""Where NetSuite differs, over HTTP: look, check now, repair, accept, adopt."""

from http import HTTPStatus
from typing import Any

from desk.api.common import Decider, Desk, Reason, Scanner, Starter, Viewer, api_router
from desk.problems import documented
from desk.surroundings import Surroundings, in_transaction
from netsuite.records import CreditHoldOverride
from services.netsuite import drift, drift_checks
from services.netsuite.drift import DriftOperations
from workflows.contract import DriftReport

router = api_router("netsuite", "/api/drift")

_REFUSED = documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class Adopt(Reason):
    """A hold to adopt, and what its release is to write."""

    prior: CreditHoldOverride = CreditHoldOverride.AUTO


@router.get("")
async def list_drift(desk: Desk, _: Viewer) -> dict[str, Any]:
    """List where NetSuite and the record differ, as last seen.

    `check` says what that is worth: `state` is `never`, `running`, `done`, `failed`, or `unknown` with Temporal away;
    `done_at` is when the newest check ended that came to its end, and `looked_at` how many records it compared.
    `unwritten` counts the values that wait to be written to NetSuite, which no check compares before; `said` is what
    is known of it all, in words.
    """
    found = await in_transaction(desk, drift.listed)
    check = await drift_checks.last(desk.client, desk.settings.task_queue)
    said = drift_checks.known(check, differing=len(found["drift"]), unwritten=found["unwritten"])
    return found | {"check": check.document(), "said": said}


@router.post("/check", responses=documented(HTTPStatus.BAD_GATEWAY))
async def check(desk: Desk, who: Scanner) -> DriftReport:
    """Compare NetSuite with the record now."""
    return await _operations(desk).check(actor=who.name)


@router.post("/{customer_id}/repair", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
async def repair(customer_id: str, why: Reason, desk: Desk, who: Decider) -> dict[str, str]:
    """Write a released hold's prior value to NetSuite again."""
    hold_id = await _operations(desk).repair(customer_id, actor=who.name, reason=why.reason)
    return {"id": str(hold_id), "status": "repairing"}


@router.post("/{customer_id}/accept", responses=_REFUSED)
async def accept(customer_id: str, why: Reason, desk: Desk, who: Decider) -> dict[str, str]:
    """Accept what NetSuite says of a released hold's customer."""
    hold_id = await _operations(desk).accept(customer_id, actor=who.name, reason=why.reason)
    return {"id": str(hold_id), "status": "accepted"}


@router.post("/{customer_id}/adopt", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
async def adopt(customer_id: str, order: Adopt, desk: Desk, who: Starter) -> dict[str, str]:
    """Propose a hold for a customer that is ON in NetSuite already."""
    started = await _operations(desk).adopt(customer_id, prior=order.prior, actor=who.name, reason=order.reason)
    return {"id": str(started.hold_id), "status": "proposed"}


def _operations(desk: Surroundings) -> DriftOperations:
    return DriftOperations(desk.engine, desk.client, desk.settings.task_queue)
