"""What people do with holds: the one authority behind the CLI, and later the desk.

Each function checks, writes its row in one transaction, and then tells the workflow. Where telling fails the row
stands: the relay delivers it.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from credit.states import Beat, Verdict
from credit.triggers import Trigger, TriggerKind
from db.engine import transaction
from db.errors import NothingToDecideError, RefusedError
from db.models import Claim, Decision, Proposal
from db.repositories import audit, beats, customers, decisions, holds, policies, receivables
from starter.relay import deliver
from workflows.contract import SERVICE_HOLD, RetryBeatSignal, ServiceHoldInput, service_hold_id

_SCAN_PARALLEL = 8

_WHAT_THIS_IS = """\
A **service hold** stops extending credit to a customer; risk level 4 of 5. Nothing happens before a named person
approves. Then four beats run: the customer is flagged, the sales rep's message and the customer's notice are drafted
(nothing is sent), NetSuite's credit hold is set. This workflow stays running for as long as the hold is in force.
"""


class NoWorkerError(RuntimeError):
    """Temporal took the request, and no worker has acted on it in time. It is not lost."""


class TriggerTurnedAwayError(RefusedError):
    """The trigger may not open a proposal now."""

    code = "trigger_turned_away"


@dataclass(frozen=True)
class Started:
    """A hold that a trigger opened (`created`) or reached."""

    hold_id: UUID
    customer_id: str
    created: bool


@dataclass(frozen=True)
class Decided:
    """A decision that was written; `delivered` says whether its workflow has been told already."""

    hold_id: UUID
    decision_id: UUID
    status: str
    delivered: bool


class Operations:
    """Everything that can be asked for, on one database and one Temporal namespace."""

    def __init__(self, engine: Engine, client: Client, task_queue: str) -> None:
        self._engine = engine
        self._client = client
        self._task_queue = task_queue

    async def start_hold(
        self,
        customer_id: str,
        *,
        reason: str,
        actor: str,
        kind: TriggerKind = TriggerKind.MANUAL,
        as_of: date | None = None,
        wait: timedelta = timedelta(seconds=30),
    ) -> Started:
        """Propose a hold, or add evidence to the one that is open; returns once its row exists.

        Raises:
            UnknownCustomerError: there is no such customer.
            TriggerTurnedAwayError: an automatic trigger within its snooze or grace.
            NoWorkerError: nobody acted on it within `wait`.
            RPCError: Temporal is away.
        """
        await asyncio.to_thread(self._check_customer, customer_id)
        now = datetime.now(UTC)
        trigger = Trigger(id=str(uuid4()), kind=kind, reason=reason, actor=actor, at=now, as_of=as_of)
        await self._client.start_workflow(
            SERVICE_HOLD,
            ServiceHoldInput(customer_id=customer_id),
            id=service_hold_id(customer_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="trigger",
            start_signal_args=[trigger],
            static_summary=f"Service hold of customer {customer_id}",
            static_details=_WHAT_THIS_IS,
        )
        return await self._await_trigger(trigger, customer_id, wait)

    def _check_customer(self, customer_id: str) -> None:
        with transaction(self._engine) as session:
            customers.get(session, customer_id)

    async def _await_trigger(self, trigger: Trigger, customer_id: str, wait: timedelta) -> Started:
        deadline = time.monotonic() + wait.total_seconds()
        while time.monotonic() < deadline:
            started = await asyncio.to_thread(self._find_trigger, trigger.id, customer_id)
            if started is not None:
                return started
            await asyncio.sleep(0.05)
        msg = (
            f"Temporal has the trigger for customer {customer_id}, and no worker took it up within {wait}. It is kept "
            "and will be acted on; see `hold doctor` for what is down"
        )
        raise NoWorkerError(msg)

    def _find_trigger(self, trigger_id: str, customer_id: str) -> Started | None:
        with transaction(self._engine) as session:
            row = holds.trigger(session, trigger_id)
            if row is None:
                return None
            if row.hold_id is None:
                raise TriggerTurnedAwayError(f"customer {customer_id}: {row.refusal}")
            return Started(row.hold_id, customer_id, row.opened)

    async def claim(self, name: str, *, actor: str) -> tuple[Claim, Proposal]:
        """Claim the open proposal of a hold or customer for `actor`; renews a claim `actor` has.

        Raises:
            UnknownHoldError, NothingToDecideError, ClaimedByAnotherError: as they say.
        """

        def write() -> tuple[Claim, Proposal]:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                return decisions.claim(session, hold, actor=actor, now=datetime.now(UTC))

        return await asyncio.to_thread(write)

    async def release_claim(self, claim_id: UUID, *, actor: str) -> None:
        """Give a claim back undecided; does nothing where it has ended already or is not the actor's."""

        def write() -> None:
            with transaction(self._engine) as session:
                decisions.release_claim(session, claim_id, actor=actor, now=datetime.now(UTC))

        await asyncio.to_thread(write)

    async def decide(
        self,
        name: str,
        *,
        claim_id: UUID,
        revision: int,
        verdict: Verdict,
        reason: str,
        actor: str,
        keep_block: bool = True,
    ) -> Decided:
        """Write the decision of a claimed proposal and send its signal.

        Raises:
            UnknownHoldError, NothingToDecideError, ClaimLostError, StaleRevisionError: nothing was decided.
        """

        def write() -> tuple[Decision, str]:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                decision = decisions.decide(
                    session,
                    hold,
                    claim_id=claim_id,
                    revision=revision,
                    verdict=verdict,
                    reason=reason,
                    actor=actor,
                    now=datetime.now(UTC),
                    keep_block=keep_block,
                )
                return decision, hold.workflow_id

        decision, workflow_id = await asyncio.to_thread(write)
        status = "approved" if verdict is Verdict.APPROVE else "declined"
        try:
            await deliver(self._client, self._engine, decision.id, workflow_id)
        except RPCError:
            return Decided(decision.hold_id, decision.id, status, delivered=False)
        return Decided(decision.hold_id, decision.id, status, delivered=True)

    async def retry_beat(self, name: str, *, beat: Beat | None, actor: str, reason: str = "") -> list[Beat]:
        """Try unfinished beats of an approved hold again now; returns which.

        Raises:
            UnknownHoldError: no such hold.
            NothingToDecideError: no beat is unfinished.
            RPCError: Temporal is away, or the hold's workflow is gone.
        """

        def write() -> tuple[str, list[Beat]]:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                wanted = [one for one in beats.unfinished(session, hold.id) if beat in (None, one)]
                if not wanted:
                    raise NothingToDecideError(hold.customer_id, f"no {beat or 'beat'} is waiting to be retried")
                detail = {"beats": wanted, "why": reason}
                now = datetime.now(UTC)
                audit.append(session, chain=hold.id, actor=actor, action="beat_retried", at=now, detail=detail)
                return hold.workflow_id, wanted

        workflow_id, wanted = await asyncio.to_thread(write)
        handle = self._client.get_workflow_handle(workflow_id)
        await handle.signal("retry_beat", RetryBeatSignal(beat=beat))
        return wanted

    async def scan(self, as_of: date, *, actor: str) -> list[Started]:
        """Propose a hold for every candidate of the AR aging scan, a few at a time."""

        def read() -> list[receivables.Candidate]:
            with transaction(self._engine) as session:
                _, policy = policies.current(session)
                return receivables.candidates(session, as_of, policy, now=datetime.now(UTC))

        slots = asyncio.Semaphore(_SCAN_PARALLEL)

        async def propose(candidate: receivables.Candidate) -> Started:
            facts = candidate.facts
            reason = f"{facts.days_overdue} days overdue, {facts.total_open:,.2f} {facts.currency} open as of {as_of}"
            async with slots:
                return await self.start_hold(
                    candidate.customer_id, reason=reason, actor=actor, kind=TriggerKind.AR_AGING, as_of=as_of
                )

        found = await asyncio.to_thread(read)
        return list(await asyncio.gather(*(propose(candidate) for candidate in found)))
