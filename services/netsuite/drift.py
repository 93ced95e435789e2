"""What people do where NetSuite and the record differ: look, check now, repair, accept, adopt.

A difference of a hold in force is a proposal and is decided like any other (`hold approve`, `hold decline`). These
operations are for the rest: a released hold, whose workflow has ended, and a customer that is ON without a hold here.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client, WorkflowFailureError

from credit.states import HoldStatus
from db import audit, customers
from db.engine import transaction
from db.errors import BadInputError, DriftCheckFailedError, NothingToAdoptError, NothingToRepairError
from db.holds import drift, four_eyes, holds
from db.models import Hold, NetSuiteDrift
from db.reasons import needs_reason
from services.answers import utc
from services.holds.operations import Operations, Started
from workflows.contract import (
    DRIFT_CHECK,
    RESTORE_AGAIN,
    DriftCheckInput,
    DriftReport,
    RestoreAgainInput,
    restore_again_prefix,
)


def listed(session: Session) -> dict[str, Any]:
    """Return the differences that nobody has decided about, as a JSON document: `{"drift": […], "unwritten": N}`.

    `unwritten` counts the values that wait to be written to NetSuite: no check compares them before.
    """
    return {
        "unwritten": drift.unwritten(session),
        "drift": [
            {
                "netsuite_id": row.netsuite_id,
                "customer_id": customer_id,
                "customer_name": name,
                "hold_id": str(row.hold_id) if row.hold_id else None,
                "hold_status": status,
                "expected": row.expected,
                "found": row.found,
                "first_seen_at": utc(row.first_seen_at),
                "last_seen_at": utc(row.last_seen_at),
                "mend": _mend(row, customer_id, status),
            }
            for row, customer_id, name, status in drift.listed(session)
        ],
    }


def _mend(row: NetSuiteDrift, customer_id: str | None, status: HoldStatus | None) -> str:
    if row.hold_id is None:
        return "adopt" if customer_id else "import, then adopt"
    return "repair or accept" if status is HoldStatus.RELEASED else "approve or decline"


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
        needs_reason(reason)

        def write() -> UUID:
            with transaction(self._engine) as session:
                hold, row, now = _released(session, name)
                drift.order_restore(session, hold, row, now)
                _note(session, hold, row, "netsuite_repair_ordered", actor=actor, reason=reason, now=now)
                return hold.id

        hold_id = await asyncio.to_thread(write)
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
        needs_reason(reason)

        def write() -> UUID:
            with transaction(self._engine) as session:
                hold, row, now = _released(session, name)
                drift.accept(row, now)
                _note(session, hold, row, "netsuite_drift_accepted", actor=actor, reason=reason, now=now)
                return hold.id

        return await asyncio.to_thread(write)

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
        needs_reason(reason)
        if prior == "ON":
            raise BadInputError("its release cannot write ON: give AUTO, or OFF")

        def look() -> None:
            with transaction(self._engine) as session:
                customer = customers.get(session, customer_id)
                if drift.unheld(session, customer.netsuite_id) is None:
                    raise NothingToAdoptError(customer_id)

        await asyncio.to_thread(look)
        operations = Operations(self._engine, self._client, self._task_queue)
        started = await operations.start_hold(customer_id, reason=f"adopted from NetSuite: {reason}", actor=actor)

        def write() -> None:
            with transaction(self._engine) as session:
                hold = holds.lock(session, started.hold_id)
                drift.adopt(session, hold, prior=prior, actor=actor, reason=reason, now=datetime.now(UTC))

        await asyncio.to_thread(write)
        return started


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


def _root_cause(error: BaseException) -> str:
    """Return what lies at the bottom of a failed workflow."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)
