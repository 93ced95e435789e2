"""What people set for a hold in force: its dates, an override, exceptions. The authority behind the CLI and the desk.

Each writes its row in one transaction, then has the hold's workflow look at it. Where that fails the row stands: the
relay delivers a decision, and the hold looks by itself within a day.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError

from credit import composed
from credit.outcomes import ExceptionScope, ScheduledDate
from db.act import Act
from db.holds import by_hand, decisions, holds
from db.models import Hold
from services.holds import answers
from services.holds.transactions import with_hold
from services.outboxes import DECISIONS
from services.relay import PATIENCE, deliver_now
from workflows.contract import FactsChangedSignal
from workflows.starting import start_hold_workflow


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
    ) -> answers.Hold:
        """Set days of a hold, or clear those given as None; returns the hold whole."""
        shown, hold = await with_hold(self._engine, actor, name, _set_dates, days, reason=reason)
        await self.tell(hold, "dates", reason, actor)
        return shown

    async def override(self, name: str, *, reason: str, actor: str, is_admin: bool = False) -> answers.Decision:
        """Lift a hold now: its release is proposed and approved in one step.

        Raises:
            ClaimedByAnotherError: somebody is deciding about this hold.
            NothingToDecideError: its release is approved already.
            SelfApprovalError, SecondApproverError: the rules of every approval.
        """
        made, hold = await with_hold(self._engine, actor, name, by_hand.override, reason=reason, is_admin=is_admin)
        return await self.hand_over(made, hold, reason=reason, actor=actor)

    async def hand_over(self, made: by_hand.Overridden, hold: Hold, *, reason: str, actor: str) -> answers.Decision:
        """Tell the hold's workflow of an override that is written; where Temporal is away, the relay does."""
        if isinstance(made, decisions.FirstApproval):
            await self.tell(hold, "override", reason, actor)
            return answers.Decision.first_of_two(hold.id)
        to_send = decisions.Undelivered(made.id, hold.workflow_id)
        delivered = await deliver_now(self._client, self._engine, DECISIONS, to_send)
        return answers.Decision.of(made, delivered=delivered)

    async def add_exception(
        self, name: str, *, scope: ExceptionScope, reference: str, until: date, reason: str, actor: str
    ) -> answers.HoldException:
        """Let one order or load through a hold, up to and including the day `until`; returns the exception."""
        row, hold = await with_hold(
            self._engine, actor, name, by_hand.except_one, scope=scope, reference=reference, until=until, reason=reason
        )
        await self.tell(hold, "exception", reason, actor)
        return answers.HoldException.of_row(row)

    async def end_exception(self, name: str, exception_id: UUID, *, reason: str, actor: str) -> answers.HoldException:
        """End an exception before its last day; returns it."""
        row, hold = await with_hold(self._engine, actor, name, by_hand.end_exception, exception_id, reason=reason)
        await self.tell(hold, "exception", reason, actor)
        return answers.HoldException.of_row(row)

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


def _set_dates(act: Act, hold: Hold, days: Mapping[ScheduledDate, date | None], *, reason: str) -> answers.Hold:
    by_hand.set_dates(act, hold, days, reason=reason)
    return answers.Hold.whole(act.session, holds.find(act.session, str(hold.id)), act.now)
