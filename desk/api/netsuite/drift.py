"""Where NetSuite differs, over HTTP: look, check now, repair, accept, adopt."""

from http import HTTPStatus

from temporalio.service import RPCError

from db.errors import (
    DriftCheckFailedError,
    NothingToAdoptError,
    NothingToRepairError,
    UnknownCustomerError,
    UnknownHoldError,
)
from db.holds.awaiting import NoWorkerError
from desk.api.common import CustomerId, Decider, Desk, Reason, Scanner, Starter, Viewer, api_router
from desk.problems import refuses
from desk.surroundings import in_transaction
from netsuite.records import CreditHoldOverride
from services.netsuite import answers, drift_checks
from services.relay import NotToldError
from workflows.contract import DriftReport

router = api_router("netsuite", "/api/drift")


class Adopt(Reason):
    """A hold to adopt, and what its release is to write."""

    prior: CreditHoldOverride = CreditHoldOverride.AUTO


@router.get("")
@refuses(RPCError)
async def list_drift(desk: Desk, _: Viewer) -> answers.Drift:
    """List where NetSuite and the record differ, as last seen; `check` says what that is worth."""
    listed = await in_transaction(desk, answers.Differences.of)
    return answers.Drift.checked(listed, await drift_checks.last(desk.client, desk.settings.task_queue))


@router.post("/check")
@refuses(RPCError, DriftCheckFailedError)
async def check(desk: Desk, who: Scanner) -> DriftReport:
    """Compare NetSuite with the record now."""
    return await desk.drift.check(actor=who.name)


@router.post("/{customer_id}/repair", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToRepairError)
async def repair(customer_id: CustomerId, why: Reason, desk: Desk, who: Decider) -> answers.DriftMended:
    """Write a released hold's prior value to NetSuite again."""
    hold_id = await desk.drift.repair(customer_id, actor=who.name, reason=why.reason)
    return answers.DriftMended(id=hold_id, status="repairing")


@router.post("/{customer_id}/accept")
@refuses(UnknownHoldError, NothingToRepairError)
async def accept(customer_id: CustomerId, why: Reason, desk: Desk, who: Decider) -> answers.DriftMended:
    """Accept what NetSuite says of a released hold's customer."""
    hold_id = await desk.drift.accept(customer_id, actor=who.name, reason=why.reason)
    return answers.DriftMended(id=hold_id, status="accepted")


@router.post("/{customer_id}/adopt", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownCustomerError, NothingToAdoptError, NoWorkerError, NotToldError)
async def adopt(customer_id: CustomerId, order: Adopt, desk: Desk, who: Starter) -> answers.DriftMended:
    """Propose a hold for a customer that is ON in NetSuite already."""
    started = await desk.drift.adopt(customer_id, prior=order.prior, actor=who.name, reason=order.reason)
    return answers.DriftMended(id=started.hold_id, status="proposed")
