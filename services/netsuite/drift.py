"""What people do where NetSuite and the record differ: look, check now, repair, accept, adopt.

A difference of a hold in force is a proposal and is decided like any other (`hold approve`, `hold decline`). These
operations are for the rest: a released hold, whose workflow has ended, and a customer that is ON without a hold here.
"""

from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client, WorkflowFailureError

from credit.audit_entries.netsuite import DriftSettled, NetSuiteDriftAccepted, NetSuiteRepairOrdered
from credit.states import HoldStatus
from db.act import Act, acting
from db.errors import BadInputError, DriftCheckFailedError, NothingToRepairError
from db.holds import drift, holds
from db.models import Hold, NetSuiteDrift
from db.reasons import needs_reason
from services.holds.operations import Operations, Started
from services.outboxes import repairs
from services.relay import deliver_now
from workflows.contract import DRIFT_CHECK, DriftCheckInput, DriftReport


class DriftOperations:
    """Everything that can be asked for about NetSuite, on one database and one Temporal namespace."""

    def __init__(self, engine: Engine, client: Client, task_queue: str) -> None:
        self._engine = engine
        self._client = client
        self._task_queue = task_queue

    async def check(self, *, actor: str) -> DriftReport:
        """Compare NetSuite with the record now, and wait for the end of it.

        Raises:
            RPCError: Temporal is away.
            DriftCheckFailedError: NetSuite refuses the queries.
        """
        try:
            report: DriftReport = await self._client.execute_workflow(
                DRIFT_CHECK,
                DriftCheckInput(requested_by=actor),
                id=f"netsuite-drift-by-hand-{uuid4()}",
                task_queue=self._task_queue,
                result_type=DriftReport,
                static_summary=f"Compare NetSuite with the record, asked for by {actor}",
            )
        except WorkflowFailureError as error:
            raise DriftCheckFailedError(_root_cause(error)) from error
        return report

    async def repair(self, name: str, *, actor: str, reason: str) -> UUID:
        """Order a released hold's prior value to be written to NetSuite again; returns the hold's id.

        Its own small workflow writes it, and goes on for as long as NetSuite is away; it is begun by the relay where
        Temporal is away now.

        Raises:
            UnknownHoldError: no such hold.
            NothingToRepairError: nothing differs, or the hold is in force: then its proposal is decided.
            BadInputError: no reason.
        """
        needs_reason(reason)
        ordered = await acting(self._engine, actor, _order_repair, name, reason)
        await deliver_now(self._client, self._engine, repairs(self._task_queue), ordered)
        return ordered.hold_id

    async def accept(self, name: str, *, actor: str, reason: str) -> UUID:
        """Accept what NetSuite says of a released hold's customer; returns the hold's id.

        Raises:
            UnknownHoldError, NothingToRepairError, BadInputError: as `repair`.
        """
        needs_reason(reason)
        return await acting(self._engine, actor, _accept, name, reason)

    async def adopt(self, customer_id: str, *, prior: str, actor: str, reason: str) -> Started:
        """Propose a hold for a customer that is ON in NetSuite already; its release will write `prior`.

        Args:
            customer_id: as it is known here.
            prior: what NetSuite would say without the hold: AUTO for most.
            actor: who adopts.
            reason: why the customer is on hold.

        Raises:
            UnknownCustomerError: there is no such customer.
            NothingToAdoptError: the last check did not see it ON without a hold.
            BadInputError: no reason, or `prior` is ON: its release would leave it on hold.
            NoWorkerError: nobody acted on it in time.
            NotToldError: Temporal is away.
        """
        needs_reason(reason)
        if prior == "ON":
            raise BadInputError("its release cannot write ON: give AUTO, or OFF")
        operations = Operations(self._engine, self._client, self._task_queue)
        return await operations.start_hold(
            customer_id, reason=f"adopted from NetSuite: {reason}", actor=actor, adopt_prior=prior
        )


def _order_repair(act: Act, name: str, reason: str) -> drift.Repair:
    hold, row = _released(act.session, name)
    drift.order_restore(act, hold, row)
    act.note(hold.id, _settled(NetSuiteRepairOrdered, row, reason))
    return drift.Repair(row.id, hold.id)


def _accept(act: Act, name: str, reason: str) -> UUID:
    hold, row = _released(act.session, name)
    drift.accept(row, act.now)
    act.note(hold.id, _settled(NetSuiteDriftAccepted, row, reason))
    return hold.id


def _released(session: Session, name: str) -> tuple[Hold, NetSuiteDrift]:
    hold = holds.lock(session, holds.named(session, name).id)
    row = drift.unsettled(session, hold.id)
    if row is None:
        raise NothingToRepairError(
            hold.customer_id, "no difference of NetSuite is listed for it: have NetSuite compared again"
        )
    if hold.status is not HoldStatus.RELEASED:
        said = f"its hold is {hold.status.replace('_', ' ')}: approve or decline its proposal"
        raise NothingToRepairError(hold.customer_id, said)
    return hold, row


def _settled(kind: type[DriftSettled], row: NetSuiteDrift, reason: str) -> DriftSettled:
    return kind(netsuite_id=row.netsuite_id, before=row.found, after=row.expected, why=reason)


def _root_cause(error: BaseException) -> str:
    """Return what lies at the bottom of a failed workflow."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)
