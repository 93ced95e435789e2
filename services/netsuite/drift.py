"""What people do where NetSuite and the record differ: look, check now, repair, accept, adopt.

A difference of a hold in force is a proposal and is decided like any other (`hold approve`, `hold decline`). These
operations are for the rest: a released hold, whose workflow has ended, and a customer that is ON without a hold here.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client, WorkflowFailureError

from credit.states import HoldStatus
from db import audit, customers
from db.engine import in_transaction
from db.errors import BadInputError, DriftCheckFailedError, NothingToAdoptError, NothingToRepairError
from db.holds import drift, four_eyes, holds
from db.models import Hold, NetSuiteDrift
from services.holds.operations import Operations, Started
from workflows.contract import (
    DRIFT_CHECK,
    RESTORE_AGAIN,
    DriftCheckInput,
    DriftReport,
    RestoreAgainInput,
    restore_again_prefix,
)


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

        Its own small workflow writes it, and goes on for as long as NetSuite is away.

        Raises:
            UnknownHoldError: no such hold.
            NothingToRepairError: nothing differs, or the hold is in force: then its proposal is decided.
            BadInputError: no reason.
            RPCError: Temporal is away; the order stands, and repeating it does no harm.
        """
        _needs_reason(reason)
        hold_id = await in_transaction(self._engine, _order_repair, name, actor=actor, reason=reason)
        await self._client.start_workflow(
            RESTORE_AGAIN,
            RestoreAgainInput(hold_id=hold_id),
            id=f"{restore_again_prefix(hold_id)}{uuid4()}",
            task_queue=self._task_queue,
            static_summary=f"Restore NetSuite's value again, asked for by {actor}",
        )
        return hold_id

    async def accept(self, name: str, *, actor: str, reason: str) -> UUID:
        """Accept what NetSuite says of a released hold's customer; returns the hold's id.

        Raises:
            UnknownHoldError, NothingToRepairError, BadInputError: as `repair`.
        """
        _needs_reason(reason)
        return await in_transaction(self._engine, _accept, name, actor=actor, reason=reason)

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
            RPCError: Temporal is away.
        """
        _needs_reason(reason)
        if prior == "ON":
            raise BadInputError("its release cannot write ON: give AUTO, or OFF")
        await in_transaction(self._engine, _require_unheld, customer_id)
        operations = Operations(self._engine, self._client, self._task_queue)
        started = await operations.start_hold(customer_id, reason=f"adopted from NetSuite: {reason}", actor=actor)
        await in_transaction(self._engine, _adopt, started.hold_id, prior=prior, actor=actor, reason=reason)
        return started


def _order_repair(session: Session, name: str, *, actor: str, reason: str) -> UUID:
    hold, row, now = _released(session, name)
    drift.order_restore(session, hold, row, now)
    _note(session, hold, row, "netsuite_repair_ordered", actor=actor, reason=reason, now=now)
    return hold.id


def _accept(session: Session, name: str, *, actor: str, reason: str) -> UUID:
    hold, row, now = _released(session, name)
    drift.accept(row, now)
    _note(session, hold, row, "netsuite_drift_accepted", actor=actor, reason=reason, now=now)
    return hold.id


def _require_unheld(session: Session, customer_id: str) -> None:
    customer = customers.get(session, customer_id)
    if drift.unheld(session, customer.netsuite_id) is None:
        raise NothingToAdoptError(customer_id)


def _adopt(session: Session, hold_id: UUID, *, prior: str, actor: str, reason: str) -> None:
    hold = holds.lock(session, hold_id)
    drift.adopt(session, hold, prior=prior, actor=actor, reason=reason, now=datetime.now(UTC))


def _released(session: Session, name: str) -> tuple[Hold, NetSuiteDrift, datetime]:
    hold = holds.lock(session, holds.find(session, name).id)
    row = drift.unsettled(session, hold.id)
    if row is None:
        raise NothingToRepairError(
            hold.customer_id, "no difference of NetSuite is listed for it: `hold drift check` looks now"
        )
    if hold.status is not HoldStatus.RELEASED:
        said = f"its hold is {hold.status.replace('_', ' ')}: approve or decline its proposal"
        raise NothingToRepairError(hold.customer_id, said)
    return hold, row, datetime.now(UTC)


def _note(
    session: Session, hold: Hold, row: NetSuiteDrift, action: str, *, actor: str, reason: str, now: datetime
) -> None:
    about = {"netsuite_id": row.netsuite_id, "before": row.found, "after": row.expected, "why": reason}
    detail = {**about, **four_eyes.Acting.of(session, actor, now).detail()}
    audit.append(session, chain=hold.id, actor=actor, action=action, at=now, detail=detail)


def _needs_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInputError("say why: it is kept in the record")


def _root_cause(error: BaseException) -> str:
    """Return what lies at the bottom of a failed workflow."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)
