"""What people do with holds: the one authority behind the desk, which the CLI asks.

Each function checks, writes its row in one transaction, and then tells the workflow. Where telling fails the row
stands: the relay delivers it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from credit.states import Beat, HoldStatus, ReleaseCause, RequestKind, Verdict
from credit.triggers import Trigger, TriggerKind
from db import audit, customers, netsuite
from db.engine import transaction
from db.errors import NothingToDecideError, NothingToReleaseError, RefusedError, UnknownRunError
from db.holds import beats, claims, decisions, holds, releases, requests
from db.holds.awaiting import await_row, await_trigger
from db.models import Claim, Decision, Hold, Proposal
from services import schedules
from services.answers import Document
from services.relay import deliver
from workflows.contract import (
    AR_AGING,
    RECONCILE,
    ArAgingInput,
    ArAgingReport,
    Mending,
    ReconcileInput,
    ReconcileReport,
    ReleaseSignal,
    RetryBeatSignal,
)
from workflows.starting import send_trigger

_SCAN_BY_HAND = "ar-aging-by-hand"
_DELIVERY_PATIENCE = 3.0
"""Seconds that a person waits for Temporal to be told of a decision; after that it is left to the relay."""


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

    def document(self) -> Document:
        """Return it as JSON."""
        return {
            "id": str(self.hold_id),
            "decision_id": str(self.decision_id),
            "status": self.status,
            "delivered": self.delivered,
        }


@dataclass(frozen=True)
class ApprovedFirst:
    """An approval that waits for a second person's."""

    hold_id: UUID
    status: str = "awaiting_second_approver"

    def document(self) -> Document:
        """Return it as JSON."""
        return {"id": str(self.hold_id), "decision_id": None, "status": self.status, "delivered": False}


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
        trigger_id: str | None = None,
        wait: timedelta = timedelta(seconds=30),
    ) -> Started:
        """Propose a hold, or add evidence to the one that is open; returns once its row exists.

        Two calls with the same `trigger_id` count once.

        Raises:
            UnknownCustomerError: there is no such customer.
            BadInputError: `trigger_id` was used for something else.
            TriggerTurnedAwayError: an automatic trigger within its snooze or grace.
            NoWorkerError: nobody acted on it within `wait`.
            RPCError: Temporal is away.
        """
        now = datetime.now(UTC)
        trigger = Trigger(id=trigger_id or str(uuid4()), kind=kind, reason=reason, actor=actor, at=now, as_of=as_of)
        await asyncio.to_thread(self._ask, customer_id, trigger)
        await send_trigger(self._client, self._task_queue, customer_id, trigger)
        row = await await_trigger(self._engine, trigger, customer_id, wait)
        if row.hold_id is None:
            raise TriggerTurnedAwayError(f"customer {customer_id}: {row.refusal}")
        return Started(row.hold_id, customer_id, row.opened)

    def _ask(self, customer_id: str, trigger: Trigger) -> None:
        with transaction(self._engine) as session:
            customers.get(session, customer_id)
            requests.ask_trigger(session, customer_id, trigger)

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
                claims.release(session, claim_id, actor=actor, now=datetime.now(UTC))

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
        is_admin: bool = False,
        evidence_seen: int | None = None,
    ) -> Decided | ApprovedFirst:
        """Write the decision of a claimed proposal and send its signal.

        `evidence_seen`: how many reasons of people the actor was shown; None where nobody counted.

        Raises:
            UnknownHoldError, NothingToDecideError, ClaimLostError, StaleRevisionError, UnseenEvidenceError,
            SelfApprovalError, SecondApproverError: nothing was decided.
        """

        def write() -> tuple[Decision | decisions.FirstApproval, str]:
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
                    is_admin=is_admin,
                    evidence_seen=evidence_seen,
                )
                return decision, hold.workflow_id

        decision, workflow_id = await asyncio.to_thread(write)
        if isinstance(decision, decisions.FirstApproval):
            return ApprovedFirst(decision.hold_id)
        status = "approved" if verdict is Verdict.APPROVE else "declined"
        try:
            async with asyncio.timeout(_DELIVERY_PATIENCE):
                await deliver(self._client, self._engine, decision.id, workflow_id)
        except (RPCError, RuntimeError, SQLAlchemyError, TimeoutError):  # RuntimeError: the SDK's first connection
            return Decided(decision.hold_id, decision.id, status, delivered=False)  # it stands: the relay delivers it
        return Decided(decision.hold_id, decision.id, status, delivered=True)

    async def request_release(
        self,
        name: str,
        *,
        reason: str,
        actor: str,
        cause: ReleaseCause = ReleaseCause.PERSON,
        request_id: str | None = None,
        wait: timedelta = timedelta(seconds=30),
    ) -> UUID:
        """Propose to release a hold; returns the hold's id once the proposal's row exists.

        The same `request_id` once more changes nothing.

        Raises:
            UnknownHoldError: no such hold.
            BadInputError: `request_id` was used for something else.
            NothingToReleaseError: the hold is not applying or in force.
            NoWorkerError: nobody acted on it within `wait`.
            RPCError: Temporal is away, or the hold's workflow is gone.
        """
        now = datetime.now(UTC)
        signal = ReleaseSignal(id=request_id or str(uuid4()), cause=cause, reason=reason, actor=actor, at=now)

        def ask() -> Hold:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                if hold.status not in (HoldStatus.APPLYING, HoldStatus.IN_FORCE):
                    raise NothingToReleaseError(hold.customer_id, hold.status)
                asked = requests.ReleaseAsked(cause, reason, actor, now)
                requests.ask_release(session, hold.customer_id, hold.id, signal.id, asked)
                return hold

        hold = await asyncio.to_thread(ask)
        await self._client.get_workflow_handle(hold.workflow_id).signal("request_release", signal)
        row = await await_row(self._engine, partial(releases.outcome, request_id=signal.id), hold.customer_id, wait)
        if row.refusal is not None:
            raise NothingToReleaseError(hold.customer_id, row.refusal)
        return hold.id

    async def undo(self, name: str, *, actor: str, reason: str) -> Proposal:
        """Take an approval back within the policy's time; returns the proposal that is open again.

        Raises:
            UnknownHoldError, NothingToDecideError, TooLateError: as they say.
        """

        def write() -> Proposal:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                return decisions.undo(session, hold, actor=actor, reason=reason, now=datetime.now(UTC))

        return await asyncio.to_thread(write)

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
                if Beat.RESTORE_NETSUITE in wanted:
                    netsuite.confirm_restore(session, hold.id)
                for one in wanted:
                    beats.allow(session, hold.id, one)
                detail = {"beats": wanted, "why": reason}
                now = datetime.now(UTC)
                audit.append(session, chain=hold.id, actor=actor, action="beat_retried", at=now, detail=detail)
                return hold.workflow_id, wanted

        workflow_id, wanted = await asyncio.to_thread(write)
        handle = self._client.get_workflow_handle(workflow_id)
        await handle.signal("retry_beat", RetryBeatSignal(beat=beat))
        return wanted

    async def skip_beat(self, name: str, *, beat: Beat, actor: str, reason: str) -> None:
        """End an unfinished beat undone: the hold goes on without it.

        Raises:
            UnknownHoldError, NothingToDecideError: no such hold, or the beat is not unfinished.
            RPCError: Temporal is away: repeat it, the record knows already.
        """
        await self._intervene(name, beat, actor, "beat_skipped", reason, beats.skip)

    async def cancel_beat(self, name: str, *, beat: Beat, actor: str, reason: str) -> None:
        """Stop trying an unfinished beat until somebody retries it.

        Raises:
            As `skip_beat`.
        """
        await self._intervene(name, beat, actor, "beat_cancelled", reason, partial(beats.stop, at=datetime.now(UTC)))

    async def _intervene(
        self,
        name: str,
        beat: Beat,
        actor: str,
        action: str,
        reason: str,
        write: Callable[[Session, UUID, Beat, str], None],
    ) -> None:
        def record() -> str:
            with transaction(self._engine) as session:
                hold = holds.find(session, name)
                holds.lock(session, hold.id)
                if beat not in beats.unfinished(session, hold.id):
                    raise NothingToDecideError(hold.customer_id, f"{beat} is not unfinished")
                write(session, hold.id, beat, f"{action.removeprefix('beat_')} by {actor}: {reason}")
                detail = {"beat": beat, "why": reason}
                audit.append(session, chain=hold.id, actor=actor, action=action, at=datetime.now(UTC), detail=detail)
                return hold.workflow_id

        workflow_id = await asyncio.to_thread(record)
        await self._client.get_workflow_handle(workflow_id).signal("retry_beat", RetryBeatSignal(beat=beat))

    async def scan(self, as_of: date, *, actor: str) -> ArAgingReport:
        """Run the AR aging scan now and wait for its end: the same workflow that the schedule runs.

        Raises:
            RPCError: Temporal is away.
        """
        handle = self._client.get_workflow_handle(await self.start_scan(as_of, actor=actor), result_type=ArAgingReport)
        report: ArAgingReport = await handle.result()
        return report

    async def scan_report(self, workflow_id: str, *, wait: timedelta) -> ArAgingReport | None:
        """Return what a scan that was started by hand came to; None where it has not ended within `wait`.

        Raises:
            UnknownRunError: there is none of this id.
            RPCError: Temporal is away.
        """
        if not workflow_id.startswith(_SCAN_BY_HAND):
            raise UnknownRunError(workflow_id)
        handle = self._client.get_workflow_handle(workflow_id, result_type=ArAgingReport)
        try:
            async with asyncio.timeout(wait.total_seconds()):
                report: ArAgingReport = await handle.result()
        except TimeoutError:
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise UnknownRunError(workflow_id) from error
            raise
        return report

    async def start_scan(self, as_of: date, *, actor: str) -> str:
        """Start the AR aging scan now, without waiting for its end; returns its workflow id.

        Raises:
            RPCError: Temporal is away.
        """
        handle = await self._client.start_workflow(
            AR_AGING,
            ArAgingInput(requested_by=actor, as_of=as_of),
            id=await self._run(_SCAN_BY_HAND, RequestKind.SCAN, f"as of {as_of}", actor),
            task_queue=self._task_queue,
            static_summary=f"AR aging as of {as_of}, asked for by {actor}",
        )
        return handle.id

    async def _run(self, name: str, what: RequestKind, reason: str, actor: str) -> str:
        """Write down who wants a run, and return the id of the workflow that will be it."""
        workflow_id = f"{name}-{uuid4()}"

        def write() -> None:
            with transaction(self._engine) as session:
                requests.ask_run(session, workflow_id, what, actor=actor, reason=reason, now=datetime.now(UTC))

        await asyncio.to_thread(write)
        return workflow_id

    async def pause_scans(self, *, actor: str, reason: str) -> None:
        """Stop the AR aging scan from becoming due.

        Raises:
            RPCError: Temporal is away.
        """
        await schedules.pause(self._client, _note("paused", actor, reason))
        await asyncio.to_thread(self._note, "ar_aging_paused", actor, reason)

    async def resume_scans(self, *, actor: str, reason: str) -> None:
        """Let the AR aging scan become due again.

        Raises:
            RPCError: Temporal is away.
        """
        await schedules.resume(self._client, _note("resumed", actor, reason))
        await asyncio.to_thread(self._note, "ar_aging_resumed", actor, reason)

    def _note(self, action: str, actor: str, reason: str) -> None:
        with transaction(self._engine) as session:
            now = datetime.now(UTC)
            audit.append(session, chain=audit.SYSTEM, actor=actor, action=action, at=now, detail={"why": reason})

    async def reconcile(self, mending: Mending, *, actor: str) -> ReconcileReport:
        """Compare the record with Temporal now, and mend as far as `mending` allows.

        Raises:
            RPCError: Temporal is away.
        """
        report: ReconcileReport = await self._client.execute_workflow(
            RECONCILE,
            ReconcileInput(mending=mending, requested_by=actor),
            id=await self._run("reconcile-by-hand", RequestKind.RECONCILE, mending, actor),
            task_queue=self._task_queue,
            result_type=ReconcileReport,
            static_summary=f"Compare the record with Temporal, asked for by {actor}",
        )
        return report


def _note(what: str, actor: str, reason: str) -> str:
    return f"{what} by {actor}" + (f": {reason}" if reason else "")
