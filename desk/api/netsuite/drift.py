"""Where NetSuite differs, over HTTP: look, check now, repair, accept, adopt."""

from http import HTTPStatus

from desk.api.common import REFUSED, CustomerId, Decider, Desk, Reason, Scanner, Starter, Viewer, api_router
from desk.problems import documented
from desk.surroundings import in_transaction
from netsuite.records import CreditHoldOverride
from services.netsuite import answers, drift_checks
from workflows.contract import DriftReport

router = api_router("netsuite", "/api/drift")


class Adopt(Reason):
    """A hold to adopt, and what its release is to write."""

    prior: CreditHoldOverride = CreditHoldOverride.AUTO


@router.get("")
async def list_drift(desk: Desk, _: Viewer) -> answers.Drift:
    """List where NetSuite and the record differ, as last seen; `check` says what that is worth."""
    listed = await in_transaction(desk, answers.Differences.of)
    return answers.Drift.checked(listed, await drift_checks.last(desk.client, desk.settings.task_queue))


@router.post("/check", responses=documented(HTTPStatus.BAD_GATEWAY))
async def check(desk: Desk, who: Scanner) -> DriftReport:
    """Compare NetSuite with the record now."""
    return await desk.drift.check(actor=who.name)


@router.post("/{customer_id}/repair", status_code=HTTPStatus.ACCEPTED, responses=REFUSED)
async def repair(customer_id: CustomerId, why: Reason, desk: Desk, who: Decider) -> answers.DriftMended:
    """Write a released hold's prior value to NetSuite again."""
    hold_id = await desk.drift.repair(customer_id, actor=who.name, reason=why.reason)
    return answers.DriftMended(id=hold_id, status="repairing")


@router.post("/{customer_id}/accept", responses=REFUSED)
async def accept(customer_id: CustomerId, why: Reason, desk: Desk, who: Decider) -> answers.DriftMended:
    """Accept what NetSuite says of a released hold's customer."""
    hold_id = await desk.drift.accept(customer_id, actor=who.name, reason=why.reason)
    return answers.DriftMended(id=hold_id, status="accepted")


@router.post("/{customer_id}/adopt", status_code=HTTPStatus.ACCEPTED, responses=REFUSED)
async def adopt(customer_id: CustomerId, order: Adopt, desk: Desk, who: Starter) -> answers.DriftMended:
    """Propose a hold for a customer that is ON in NetSuite already."""
    started = await desk.drift.adopt(customer_id, prior=order.prior, actor=who.name, reason=order.reason)
    return answers.DriftMended(id=started.hold_id, status="proposed")
