"""One service hold, from proposal to release: the whole order of events, top to bottom.

    trigger ─► proposed ─► [an approver's decision] ─► applying ─► in force ─► …
                  └─► declined | expired | withdrawn

A signal only wakes the workflow: decisions, claims and revisions are rows in the database, and the row is obeyed.
What a trigger does depends on where the hold is:

    no open hold          opens a proposal, if admitted (a person's always is)
    proposed              evidence; a new kind of trigger or moved facts make a new revision
    decided against       kept back, and opens a fresh proposal (if admitted) when this run ends
    applying, in force    evidence in the hold's timeline
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from credit.hold import HoldView
    from credit.states import Beat, BeatStatus, HoldStatus, WaitingOn, waiting_on
    from credit.triggers import Trigger
    from workflows import contract, policies, signatures
    from workflows.contract import (
        BeatState,
        DecideSignal,
        HoldOutcome,
        HoldState,
        OutboundMessageInput,
        RetryBeatSignal,
        ServiceHoldInput,
        TriggerSignal,
    )
    from workflows.details import current_details, search_attributes
    from workflows.inbox import CancelRequested, Unintelligible, read_signal
    from workflows.outbound_message import OutboundMessage

SIGNALS: dict[str, type[TriggerSignal | DecideSignal | RetryBeatSignal]] = {
    "trigger": TriggerSignal,
    "decide": DecideSignal,
    "retry_beat": RetryBeatSignal,
}

Event = Trigger | DecideSignal | CancelRequested | Unintelligible

_AFTER_THE_FLAG = (Beat.NOTIFY_SALES_REP, Beat.DRAFT_CUSTOMER_NOTICE, Beat.PUSH_NETSUITE)
_UNDER_WAY = (BeatStatus.RUNNING, BeatStatus.RETRYING, BeatStatus.NEEDS_ATTENTION)
_SUMMARIES = {
    Beat.FLAG_CUSTOMER: "Beat 1: flag the customer",
    Beat.NOTIFY_SALES_REP: "Beat 2: draft the sales rep's message",
    Beat.DRAFT_CUSTOMER_NOTICE: "Beat 3: draft the customer's notice",
    Beat.PUSH_NETSUITE: "Beat 4: set NetSuite's credit hold",
}


@workflow.defn(name=contract.SERVICE_HOLD)
class ServiceHold:
    """One hold of one customer; its workflow id is `service-hold/<customer_id>`."""

    @workflow.init
    def __init__(self, start: ServiceHoldInput) -> None:
        self._customer_id = start.customer_id
        self._inbox: deque[Event] = deque(start.triggers)
        self._for_the_next_proposal: list[Trigger] = []
        self._beats = {beat: BeatState() for beat in Beat}
        self._hold: HoldView | None = None
        self._one_by_one = asyncio.Lock()  # what changes the hold's rows, so that the newest view of them stays
        self._side_by_side: list[asyncio.Task[None]] = []
        self._laying_down = False
        self._not_yet: set[str] = set()
        self._refused_signals = 0
        self._published: dict[str, Any] = {}

    @workflow.run
    async def run(self, start: ServiceHoldInput) -> HoldOutcome:  # noqa: ARG002 (read by __init__)
        """Live through the hold. Temporal's cancel is an event in it, not its end: see `_refuse_or_withdraw`."""
        life = asyncio.create_task(self._life())
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.cancelled():
                    raise  # not asked for by anybody: the worker takes the run out of its memory
                self._inbox.append(CancelRequested())

    async def _life(self) -> HoldOutcome:
        turned_away = await self._propose()
        if self._hold is None:
            return await self._end(HoldOutcome(detail=f"nothing proposed: {'; '.join(turned_away) or 'no trigger'}"))
        if self._hold.status is HoldStatus.PROPOSED:
            status = await self._decided()
            if status is not HoldStatus.APPLYING:
                return await self._end(HoldOutcome(hold_id=self._hold.hold_id, status=status))
        return await self._hold_on()

    # --- proposed -----------------------------------------------------------------------------------------------

    async def _propose(self) -> list[str]:
        """Open a proposal for the triggers at hand, or take up the hold that is open already."""
        triggers = [event for event in self._inbox if isinstance(event, Trigger)]
        self._inbox = deque(event for event in self._inbox if not isinstance(event, Trigger))
        info = workflow.info()
        opened = await workflow.execute_activity(
            signatures.open_hold,
            signatures.OpenHold(
                customer_id=self._customer_id,
                new_hold_id=workflow.uuid4(),
                triggers=triggers,
                workflow_id=info.workflow_id,
                run_id=info.run_id,
                now=workflow.now(),
            ),
            **policies.DATABASE,
            summary="Propose the hold",
        )
        self._for_the_next_proposal += opened.late
        self._see(opened.hold)
        return opened.turned_away

    async def _decided(self) -> HoldStatus:
        """Wait for the proposal to be settled: by an approver's decision, by its due date, or by a withdrawal."""
        decided = None  # a proposal whose decision came before its due date: the signal is on the way
        while True:
            hold = self._the_hold()
            left = max(hold.due_at - workflow.now(), timedelta(seconds=1))
            try:
                await workflow.wait_condition(
                    lambda: bool(self._inbox),
                    timeout=None if hold.proposal_id == decided else left,
                    timeout_summary="The proposal expires undecided",
                )
            except TimeoutError:
                if await self._settle_undecided(HoldStatus.EXPIRED):
                    return HoldStatus.EXPIRED
                decided = hold.proposal_id
                continue
            settled = await self._handle(self._inbox.popleft())
            if settled is not None:
                return settled
            self._continue_as_new_if_long()

    async def _handle(self, event: Event) -> HoldStatus | None:
        """Deal with one event; returns the status of a hold that was settled by it."""
        match event:
            case Trigger():
                await self._add_evidence(event)
            case DecideSignal():
                return await self._obey(event)
            case CancelRequested() | Unintelligible():
                return await self._refuse_or_withdraw(event)
        return None

    async def _add_evidence(self, trigger: Trigger) -> None:
        added = await workflow.execute_activity(
            signatures.add_evidence,
            signatures.AddEvidence(hold_id=self._the_hold().hold_id, trigger=trigger, now=workflow.now()),
            **policies.DATABASE,
            summary=f"Add evidence: {trigger.kind}",
        )
        if added.kept:
            self._see(added.hold)
        else:
            self._for_the_next_proposal.append(trigger)

    async def _obey(self, signal: DecideSignal) -> HoldStatus | None:
        """Load the decision's row and do what it says; a signal with no row behind it is refused there."""
        hold_id = self._the_hold().hold_id
        settled = await workflow.execute_activity(
            signatures.settle_decision,
            signatures.SettleDecision(hold_id=hold_id, decision_id=signal.decision_id, now=workflow.now()),
            **policies.DATABASE,
            summary="Obey the approver's decision",
        )
        if settled.outcome == "refused":
            self._refused_signals += 1
        if settled.wait is not None and str(signal.decision_id) not in self._not_yet:
            self._not_yet.add(str(signal.decision_id))
            asyncio.create_task(self._obey_after(settled.wait, signal))  # noqa: RUF006 (the relay resends a lost one)
        self._see(settled.hold)
        return settled.hold.status if settled.outcome in ("approved", "declined") else None

    async def _obey_after(self, wait: timedelta, signal: DecideSignal) -> None:
        """Come back to an approval when it cannot be taken back any more."""
        await workflow.sleep(wait, summary="Approved; until this fires it can be taken back")
        self._not_yet.discard(str(signal.decision_id))
        self._inbox.append(signal)

    async def _refuse_or_withdraw(self, event: CancelRequested | Unintelligible) -> HoldStatus | None:
        """Audit what means nothing. Cancelling withdraws a proposal, and never ends a hold that was approved."""
        if isinstance(event, Unintelligible):
            await self._refuse(event)
        elif self._the_hold().status is HoldStatus.PROPOSED and await self._settle_undecided(HoldStatus.WITHDRAWN):
            return HoldStatus.WITHDRAWN
        else:
            problem = "an approved hold is released, not cancelled"
            await self._refuse(Unintelligible("cancel", problem, workflow.cancellation_reason() or ""))
        return None

    async def _settle_undecided(self, ending: HoldStatus) -> bool:
        hold = self._the_hold()
        order = signatures.CloseProposal(
            hold_id=hold.hold_id, proposal_id=hold.proposal_id, ending=ending, now=workflow.now()
        )
        settled = await workflow.execute_activity(
            signatures.close_proposal, order, **policies.DATABASE, summary=f"Settle the proposal: {ending}"
        )
        if settled:
            self._see(hold.model_copy(update={"status": ending}))
        return settled

    # --- applying, in force -------------------------------------------------------------------------------------

    async def _hold_on(self) -> HoldOutcome:
        """Carry the decision out, and stay for as long as the hold is in force."""
        carrying_out = asyncio.create_task(self._carry_out())

        def failed() -> "asyncio.Task[None] | None":
            return next((task for task in (carrying_out, *self._side_by_side) if _has_failed(task)), None)

        while True:
            await workflow.wait_condition(lambda: bool(self._inbox) or failed() is not None or _is_long())
            if (bug := failed()) is not None:
                bug.result()  # raises: a mistake in this code must show as a failed task, never as silence
            if self._inbox:
                async with self._one_by_one:
                    await self._handle(self._inbox.popleft())
            else:
                await self._lay_down(carrying_out)
                self._continue_as_new_if_long()

    async def _lay_down(self, carrying_out: "asyncio.Task[None]") -> None:
        """Stop what is under way: a continue-as-new must be the last thing its run asks for. The next run goes on."""
        self._laying_down = True
        under_way = [carrying_out, *self._side_by_side]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _carry_out(self) -> None:
        """Run the four beats: the flag first, then the others side by side. A beat never fails the hold.

        A beat that is done already does nothing when it is run again, so a new run simply runs all four.
        """
        await self._run_beat(Beat.FLAG_CUSTOMER)
        self._side_by_side = [asyncio.create_task(self._run_beat(beat)) for beat in _AFTER_THE_FLAG]
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: all(self._has_first_outcome(beat) for beat in _AFTER_THE_FLAG),
                timeout=policies.FIRST_OUTCOME,
                timeout_summary="In force even where a beat has not answered yet",
            )
        async with self._one_by_one:
            await workflow.execute_activity(
                signatures.put_in_force,
                signatures.HoldAt(hold_id=self._the_hold().hold_id, now=workflow.now()),
                **policies.DATABASE,
                summary="The hold is in force",
            )
            self._see(self._the_hold().model_copy(update={"status": HoldStatus.IN_FORCE}))
        for running in self._side_by_side:
            await running

    def _has_first_outcome(self, beat: Beat) -> bool:
        return self._beats[beat].status not in (BeatStatus.PENDING, BeatStatus.RUNNING)

    async def _run_beat(self, beat: Beat) -> None:
        """Run one beat until it is done. Temporal retries; what no retry can mend waits for `retry_beat`."""
        state = self._beats[beat]
        self._mark(beat, BeatStatus.RUNNING)
        while state.status is not BeatStatus.DONE and not self._laying_down:
            state.retry_requested = False
            attempts = self._start_beat(beat, first=state.last_error is None)
            await workflow.wait_condition(lambda: attempts.done() or state.retry_requested)  # noqa: B023 (awaited here)
            if not attempts.done():
                attempts.cancel()
            try:
                drafted = await attempts
            except ActivityError as error:
                if is_cancelled_exception(error):
                    continue  # by ourselves, to try again now
                cause = error.cause or error
                state.last_error = str(cause)
                if isinstance(cause, ApplicationError) and cause.non_retryable:
                    self._mark(beat, BeatStatus.NEEDS_ATTENTION)
                    await workflow.wait_condition(lambda: state.retry_requested)
                    self._mark(beat, BeatStatus.RETRYING)
                else:
                    self._mark(beat, BeatStatus.RETRYING)
                    await self._pause(state, cause)
            else:
                if drafted is not None:
                    await self._start_message(drafted)
                self._mark(beat, BeatStatus.DONE)

    async def _pause(self, state: BeatState, cause: BaseException) -> None:
        """Wait between two rounds for as long as NetSuite asked, or until a person wants a try now."""
        asked = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: state.retry_requested,
                timeout=asked or policies.BETWEEN_ROUNDS,
                timeout_summary="Before the next try",
            )

    def _start_beat(self, beat: Beat, *, first: bool) -> "workflow.ActivityHandle[Any]":
        order = signatures.RunBeat(hold_id=self._the_hold().hold_id, beat=beat, now=workflow.now())
        summary = _SUMMARIES[beat]
        match beat:
            case Beat.FLAG_CUSTOMER:
                return workflow.start_activity(signatures.flag_customer, order, **policies.DATABASE, summary=summary)
            case Beat.NOTIFY_SALES_REP | Beat.DRAFT_CUSTOMER_NOTICE:
                return workflow.start_activity(signatures.draft_message, order, **policies.DATABASE, summary=summary)
            case Beat.PUSH_NETSUITE:
                options = policies.NETSUITE_FIRST_TRY if first else policies.NETSUITE_ROUND
                queue = contract.netsuite_task_queue(workflow.info().task_queue)
                return workflow.start_activity(
                    signatures.push_netsuite, order, **options, task_queue=queue, summary=summary
                )

    async def _start_message(self, drafted: signatures.Drafted) -> None:
        """Give the draft a life of its own, which the end of this run does not end (design 3.10)."""
        hold = self._the_hold()
        try:
            await workflow.start_child_workflow(
                OutboundMessage.run,
                OutboundMessageInput(
                    message_id=drafted.message_id,
                    hold_id=hold.hold_id,
                    customer_id=hold.customer_id,
                    kind=drafted.kind,
                    drafted_at=workflow.now(),
                ),
                id=contract.message_workflow_id(drafted.message_id),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                static_summary=f"Draft for review: {drafted.kind.replace('_', ' ')}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the message has its workflow already", extra={"message_id": str(drafted.message_id)})

    # --- the end of a run ---------------------------------------------------------------------------------------

    async def _end(self, outcome: HoldOutcome) -> HoldOutcome:
        """Leave nothing behind: audit what came too late, and hand late triggers to a fresh proposal."""
        while self._inbox:
            event = self._inbox.popleft()
            match event:
                case Trigger():
                    self._for_the_next_proposal.append(event)
                case DecideSignal() if self._hold is not None:
                    await self._obey(event)
                case DecideSignal():
                    await self._refuse(Unintelligible("decide", "no hold is open", str(event.decision_id)))
                case Unintelligible():
                    await self._refuse(event)
        # Nothing is awaited between the last look into the inbox and the end: no trigger dies with the run (3.1).
        if self._for_the_next_proposal:
            self._continue_as_new()
        return outcome

    def _continue_as_new_if_long(self) -> None:
        """Start a fresh history for the same hold. The new run finds it in the database and runs unfinished beats."""
        if _is_long() and not self._inbox:
            self._continue_as_new()

    def _continue_as_new(self) -> NoReturn:
        workflow.continue_as_new(ServiceHoldInput(customer_id=self._customer_id, triggers=self._for_the_next_proposal))

    # --- signals, query, and what people see --------------------------------------------------------------------

    @workflow.signal(dynamic=True)
    def signal(self, name: str, values: Sequence[RawValue]) -> None:
        """`trigger`, `decide`, `retry_beat`. Never raises: what makes no sense is audited and changes nothing."""
        message = read_signal(name, values, SIGNALS)
        if isinstance(message, RetryBeatSignal):
            for beat in Beat if message.beat is None else (message.beat,):
                self._beats[beat].retry_requested = self._beats[beat].status in _UNDER_WAY
        else:
            self._inbox.append(message)

    @workflow.query
    def state(self) -> HoldState:
        """Where the hold stands."""
        return HoldState(
            hold=self._hold,
            status=self._hold.status if self._hold else None,
            waiting_on=self._waiting_on(),
            beats=self._beats,
            refused_signals=self._refused_signals,
        )

    async def _refuse(self, event: Unintelligible) -> None:
        self._refused_signals += 1
        await workflow.execute_activity(
            signatures.refuse_signal,
            signatures.RefuseSignal(
                hold_id=self._hold.hold_id if self._hold else None,
                customer_id=self._customer_id,
                signal=event.signal,
                problem=event.problem,
                content=event.content,
                now=workflow.now(),
            ),
            **policies.DATABASE,
            summary="Refuse a signal",
        )

    def _the_hold(self) -> HoldView:
        if self._hold is None:
            raise ApplicationError("no hold is open", non_retryable=True)
        return self._hold

    def _see(self, hold: HoldView | None) -> None:
        self._hold = hold
        self._publish()

    def _mark(self, beat: Beat, status: BeatStatus) -> None:
        self._beats[beat].status = status
        self._publish()

    def _waiting_on(self) -> WaitingOn:
        if self._hold is None:
            return WaitingOn.NOBODY
        return waiting_on(self._hold.status, (state.status for state in self._beats.values()))

    def _publish(self) -> None:
        """Show the hold in the Web UI: current details, and the search attributes that changed."""
        hold = self._hold
        if hold is None:
            return
        waiting = self._waiting_on()
        workflow.set_current_details(current_details(hold, self._beats, waiting))
        changed = [
            update
            for update in search_attributes(hold, self._beats, waiting)
            if self._published.get(update.key.name) != update.value
        ]
        if changed:
            workflow.upsert_search_attributes(changed)
            self._published.update((update.key.name, update.value) for update in changed)


def _has_failed(task: "asyncio.Task[None]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _is_long() -> bool:
    """Whether the server wants a fresh history: also in a silent outage, which nobody signals about."""
    return workflow.info().is_continue_as_new_suggested()
