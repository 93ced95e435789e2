"""What people set for a hold in force: its dates, an override, exceptions. The authority behind the CLI and the desk.

Each writes its row in one transaction, then has the hold's workflow look at it. Where that fails the row stands: the
relay delivers a decision, and the hold looks by itself within a day.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError

from credit import composed
from credit.outcomes import ExceptionScope, ScheduledDate
from db.engine import transaction
from db.holds import by_hand, decisions, holds
from db.models import Hold
from services.answers import Document
from services.holds import documents
from services.holds.operations import ApprovedFirst, Decided
from services.outboxes import DECISIONS
from services.relay import PATIENCE, deliver_now
from workflows.contract import FactsChangedSignal
from workflows.starting import start_hold_workflow

T = TypeVar("T")


class OutcomeOperations:
    """What can be set for a hold in force, on one database and one Temporal namespace.

    Every method raises:
        UnknownHoldError: no such hold.
        NotInForceError: the hold is not one in force.
        BadInputError: what was given makes no sense.
    """

    def __init__(self, engine: Engine, client: Client, task_queue: str) -> None:
        self._engine = engine
        self._client = client
        self._task_queue = task_queue

    async def set_dates(
        self, name: str, days: Mapping[ScheduledDate, date | None], *, reason: str, actor: str
    ) -> Document:
        """Set days of a hold, or clear those given as None; returns the hold whole."""

        def write(session: Session, hold: Hold) -> Document:
            now = datetime.now(UTC)
            by_hand.set_dates(session, hold, days, reason=reason, actor=actor, now=now)
            return documents.whole(session, holds.find(session, str(hold.id)), now)

        document, hold = await self._write(name, write)
        await self.tell(hold, "dates", reason, actor)
        return document

    async def override(self, name: str, *, reason: str, actor: str, is_admin: bool = False) -> Decided | ApprovedFirst:
        """Lift a hold now: its release is proposed and approved in one step.

        Raises:
            ClaimedByAnotherError: somebody is deciding about this hold.
            NothingToDecideError: its release is approved already.
            SelfApprovalError, SecondApproverError: the rules of every approval.
        """

        def write(session: Session, hold: Hold) -> by_hand.Overridden:
            now = datetime.now(UTC)
            return by_hand.override(session, hold, reason=reason, actor=actor, is_admin=is_admin, now=now)

        made, hold = await self._write(name, write)
        return await self.hand_over(made, hold, reason=reason, actor=actor)

    async def hand_over(
        self, made: by_hand.Overridden, hold: Hold, *, reason: str, actor: str
    ) -> Decided | ApprovedFirst:
        """Tell the hold's workflow of an override that is written; where Temporal is away, the relay does."""
        if isinstance(made, decisions.FirstApproval):
            await self.tell(hold, "override", reason, actor)
            return ApprovedFirst(hold.id)
        to_send = decisions.Undelivered(made.id, hold.workflow_id)
        delivered = await deliver_now(self._client, self._engine, DECISIONS, to_send)
        return Decided(hold.id, made.id, "approved", delivered=delivered)

    async def add_exception(
        self, name: str, *, scope: ExceptionScope, reference: str, until: date, reason: str, actor: str
    ) -> Document:
        """Let one order or load through a hold, up to and including the day `until`; returns the exception."""

        def write(session: Session, hold: Hold) -> Document:
            row = by_hand.except_one(
                session,
                hold,
                scope=scope,
                reference=reference,
                until=until,
                reason=reason,
                actor=actor,
                now=datetime.now(UTC),
            )
            return documents.exception(row)

        document, hold = await self._write(name, write)
        await self.tell(hold, "exception", reason, actor)
        return document

    async def end_exception(self, name: str, exception_id: UUID, *, reason: str, actor: str) -> Document:
        """End an exception before its last day; returns it."""

        def write(session: Session, hold: Hold) -> Document:
            now = datetime.now(UTC)
            return documents.exception(
                by_hand.end_exception(session, hold, exception_id, reason=reason, actor=actor, now=now)
            )

        document, hold = await self._write(name, write)
        await self.tell(hold, "exception", reason, actor)
        return document

    async def _write(self, name: str, write: Callable[[Session, Hold], T]) -> tuple[T, Hold]:
        def run() -> tuple[T, Hold]:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                return write(session, hold), hold

        return await asyncio.to_thread(run)

    async def tell(self, hold: Hold, what: str, why: str, actor: str) -> None:
        """Have the workflow look: its timers follow the rows. Where Temporal is away, it looks within a day."""
        why, now = composed.reason(why), datetime.now(UTC)
        signal = FactsChangedSignal(id=f"set/{uuid4()}", what=what, why=why, actor=actor, at=now)
        with contextlib.suppress(RPCError, RuntimeError, TimeoutError):  # RuntimeError: the SDK's first connection
            async with asyncio.timeout(PATIENCE):
                await start_hold_workflow(
                    self._client,
                    self._task_queue,
                    hold.customer_id,
                    start_signal="facts_changed",
                    start_signal_args=[signal],
                )
