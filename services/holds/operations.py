"""What people do with holds: the one authority behind the desk, which the CLI asks.

Each function checks, writes its row in one transaction, and then tells the workflow. Where telling fails the row
stands: the relay delivers it.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from credit.audit_entries.holds import BeatCancelled, BeatEnded, BeatRetried, BeatSkipped
from credit.audit_entries.receivables import ArAgingPaused, ArAgingResumed
from credit.states import Beat, HoldStatus, ReleaseCause, RequestKind, Verdict
from credit.triggers import Trigger, TriggerKind
from db import audit, customers, netsuite
from db.act import Act, acting
from db.engine import in_transaction
from db.errors import NothingToDecideError, NothingToReleaseError, RefusedError, UnknownRunError
from db.holds import beats, claims, decisions, drift, holds, releases, requests
from db.holds.awaiting import await_row, await_trigger
from db.models import Claim, Hold, HoldRequest, Proposal
from services import schedules
from services.holds import answers
from services.holds.transactions import with_hold
from services.outboxes import DECISIONS, requested
from services.relay import NotToldError, answers_at_all, deliver_now
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
    TriggerSignal,
)

_SCAN_BY_HAND = "ar-aging-by-hand"
_ASK_AGAIN = 0.5
"""Seconds until a Temporal that is slow is asked once more."""


class TriggerTurnedAwayError(RefusedError):
    """The trigger may not open a proposal now."""

    code = "trigger_turned_away"


@dataclass(frozen=True)
class Started:
    """A hold that a trigger opened (`created`) or reached."""

    hold_id: UUID
    customer_id: str
    created: bool


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
        adopt_prior: str | None = None,
        wait: timedelta = timedelta(seconds=30),
    ) -> Started:
        """Propose a hold, or add evidence to the one that is open; returns once its row exists.

        Two calls with the same `trigger_id` count once. `adopt_prior`: what the release is to write to NetSuite, where
        the customer is ON there already.

        Raises:
            UnknownCustomerError: there is no such customer.
            NothingToAdoptError: the last check did not see it ON without a hold.
            BadInputError: `trigger_id` was used for something else.
            TriggerTurnedAwayError: an automatic trigger within its snooze or grace.
            NoWorkerError: nobody acted on it within `wait`.
            NotToldError: Temporal is away.
        """
        now = datetime.now(UTC)
        trigger = TriggerSignal(
            id=trigger_id or str(uuid4()),
            kind=kind,
            reason=reason,
            actor=actor,
            at=now,
            as_of=as_of,
            adopt_prior=adopt_prior,
        )
        await self._tell(await in_transaction(self._engine, _ask_for_hold, customer_id, trigger), wait)
        row = await await_trigger(self._engine, trigger, customer_id, wait)
        if row.hold_id is None:
            raise TriggerTurnedAwayError(f"customer {customer_id}: {row.refusal}")
        return Started(row.hold_id, customer_id, row.opened)

    async def _tell(self, request: HoldRequest, wait: timedelta) -> None:
        """Tell the hold what is asked of it. A Temporal that is slow is asked again; one that is away, the relay's.

        Raises:
            NotToldError: Temporal is away, or took longer than `wait`.
        """
        deadline = time.monotonic() + wait.total_seconds()
        while not await deliver_now(self._client, self._engine, requested(self._task_queue), request):
            if time.monotonic() > deadline or not await answers_at_all(self._client):
                raise NotToldError
            await asyncio.sleep(_ASK_AGAIN)

    async def claim(self, name: str, *, actor: str) -> tuple[Claim, Proposal]:
        """Claim the open proposal of a hold or customer for `actor`; renews a claim `actor` has.

        Raises:
            UnknownHoldError, NothingToDecideError, ClaimedByAnotherError: as they say.
        """
        claimed, _ = await with_hold(self._engine, actor, name, decisions.claim)
        return claimed

    async def release_claim(self, claim_id: UUID, *, actor: str) -> None:
        """Give a claim back undecided; does nothing where it has ended already or is not the actor's."""
        await acting(self._engine, actor, claims.release, claim_id)

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
    ) -> answers.Decision:
        """Write the decision of a claimed proposal and send its signal.

        `evidence_seen`: how many reasons of people the actor was shown; None where nobody counted.

        Raises:
            UnknownHoldError, NothingToDecideError, ClaimLostError, StaleRevisionError, UnseenEvidenceError,
            SelfApprovalError, SecondApproverError: nothing was decided.
        """
        decision, hold = await with_hold(
            self._engine,
            actor,
            name,
            decisions.decide,
            claim_id=claim_id,
            revision=revision,
            verdict=verdict,
            reason=reason,
            keep_block=keep_block,
            is_admin=is_admin,
            evidence_seen=evidence_seen,
        )
        if isinstance(decision, decisions.FirstApproval):
            return answers.Decision.first_of_two(decision.hold_id)
        to_send = decisions.Undelivered(decision.id, hold.workflow_id)
        delivered = await deliver_now(self._client, self._engine, DECISIONS, to_send)
        return answers.Decision.of(decision, delivered=delivered)

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
            NotToldError: Temporal is away.
        """
        now = datetime.now(UTC)
        signal = ReleaseSignal(id=request_id or str(uuid4()), cause=cause, reason=reason, actor=actor, at=now)
        request, hold = await with_hold(self._engine, actor, name, _ask_for_release, signal)
        await self._tell(request, wait)
        row = await await_row(self._engine, partial(releases.outcome, request_id=signal.id), hold.customer_id, wait)
        if row.refusal is not None:
            raise NothingToReleaseError(hold.customer_id, row.refusal)
        return hold.id

    async def undo(self, name: str, *, actor: str, reason: str) -> answers.Undone:
        """Take an approval back within the policy's time; returns the proposal that is open again.

        Raises:
            UnknownHoldError, NothingToDecideError, TooLateError: as they say.
        """
        reopened, hold = await with_hold(self._engine, actor, name, decisions.undo, reason=reason)
        return answers.Undone.of(reopened, hold)

    async def retry_beat(self, name: str, *, beat: Beat | None, actor: str, reason: str = "") -> answers.RetriedBeats:
        """Try unfinished beats of an approved hold again now.

        Raises:
            UnknownHoldError: no such hold.
            NothingToDecideError: no beat is unfinished.
            RPCError: Temporal is away, or the hold's workflow is gone.
        """
        retried, hold = await with_hold(self._engine, actor, name, _allow_beats, beat, reason)
        handle = self._client.get_workflow_handle(hold.workflow_id)
        await handle.signal("retry_beat", RetryBeatSignal(beat=beat))
        return retried

    async def skip_beat(self, name: str, *, beat: Beat, actor: str, reason: str) -> None:
        """End an unfinished beat undone: the hold goes on without it.

        Raises:
            UnknownHoldError, NothingToDecideError: no such hold, or the beat is not unfinished.
            RPCError: Temporal is away: repeat it, the record knows already.
        """
        await self._intervene(actor, name, BeatSkipped(beat=beat, why=reason))

    async def cancel_beat(self, name: str, *, beat: Beat, actor: str, reason: str) -> None:
        """Stop trying an unfinished beat until somebody retries it.

        Raises:
            As `skip_beat`.
        """
        await self._intervene(actor, name, BeatCancelled(beat=beat, why=reason))

    async def _intervene(self, actor: str, name: str, entry: BeatEnded) -> None:
        _, hold = await with_hold(self._engine, actor, name, _intervene, entry)
        signal = RetryBeatSignal(beat=entry.beat)
        await self._client.get_workflow_handle(hold.workflow_id).signal("retry_beat", signal)

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
        await acting(self._engine, actor, requests.ask_run, workflow_id, what, reason=reason)
        return workflow_id

    async def pause_scans(self, *, actor: str, reason: str) -> None:
        """Stop the AR aging scan from becoming due.

        Raises:
            RPCError: Temporal is away.
        """
        await schedules.pause(self._client, _schedule_note("paused", actor, reason))
        await acting(self._engine, actor, Act.note, audit.SYSTEM, ArAgingPaused(why=reason))

    async def resume_scans(self, *, actor: str, reason: str) -> None:
        """Let the AR aging scan become due again.

        Raises:
            RPCError: Temporal is away.
        """
        await schedules.resume(self._client, _schedule_note("resumed", actor, reason))
        await acting(self._engine, actor, Act.note, audit.SYSTEM, ArAgingResumed(why=reason))

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


def _ask_for_hold(session: Session, customer_id: str, trigger: Trigger) -> HoldRequest:
    customers.get(session, customer_id)
    if trigger.adopt_prior is not None:
        drift.require_unheld(session, customer_id)
    return requests.ask_trigger(session, customer_id, trigger)


def _ask_for_release(act: Act, hold: Hold, signal: ReleaseSignal) -> HoldRequest:
    if hold.status not in (HoldStatus.APPLYING, HoldStatus.IN_FORCE):
        raise NothingToReleaseError(hold.customer_id, hold.status)
    asked = requests.ReleaseAsked(signal.cause, signal.reason, signal.actor, signal.at)
    return requests.ask_release(act.session, hold.customer_id, hold.id, signal.id, asked)


def _allow_beats(act: Act, hold: Hold, beat: Beat | None, reason: str) -> answers.RetriedBeats:
    retried = [one for one in beats.unfinished(act.session, hold.id) if beat in (None, one)]
    if not retried:
        raise NothingToDecideError(hold.customer_id, f"no {beat or 'beat'} is waiting to be retried")
    for one in retried:
        beats.allow(act.session, hold.id, one)
    if Beat.RESTORE_NETSUITE in retried:
        netsuite.answer_to_restore(act.session, hold.id)
    act.note(hold.id, BeatRetried(beats=retried, why=reason))
    return answers.RetriedBeats(id=hold.id, beats=retried)


def _intervene(act: Act, hold: Hold, entry: BeatEnded) -> None:
    holds.lock(act.session, hold.id)
    if entry.beat not in beats.unfinished(act.session, hold.id):
        raise NothingToDecideError(hold.customer_id, f"{entry.beat} is not unfinished")
    by = f"by {act.actor}: {entry.why}"
    if isinstance(entry, BeatSkipped):
        beats.skip(act.session, hold.id, entry.beat, f"skipped {by}")
    else:
        beats.stop(act.session, hold.id, entry.beat, f"cancelled {by}", at=act.now)
    act.note(hold.id, entry)


def _schedule_note(what: str, actor: str, reason: str) -> str:
    return f"{what} by {actor}" + (f": {reason}" if reason else "")
