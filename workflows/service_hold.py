"""One service hold, from proposal to release: the whole order of events, top to bottom.

    trigger ─► proposed ─► [decision] ─► applying ─► in force ─► [decision] ─► releasing ─► released
                  └─► declined | expired | withdrawn

A signal only wakes the workflow: decisions, claims and revisions are rows in the database, and the row is obeyed.
What a trigger does depends on where the hold is:

    no open hold          opens a proposal, if admitted (a person's always is)
    proposed              evidence; a new kind of trigger or moved facts make a new revision
    decided against       kept back, and opens a fresh proposal (if admitted) when this run ends
    applying, in force    evidence in the hold's timeline
    releasing             kept back for a fresh proposal

A release is a proposal too: `request_release` opens it, the same claim and `decide` settle it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

if TYPE_CHECKING:
    from uuid import UUID

with workflow.unsafe.imports_passed_through():
    from credit.hold import HoldView
    from credit.states import (
        BEAT_OVER,
        PLACING,
        RELEASING,
        Beat,
        HoldStatus,
        ProposalKind,
        ProposalStatus,
        WaitingOn,
        waiting_on,
    )
    from credit.triggers import Trigger
    from workflows import beats, contract, hold_inbox, policies, record, signatures, waiting
    from workflows.contract import (
        DecideSignal,
        DriftSignal,
        FactsChangedSignal,
        HoldOutcome,
        HoldState,
        ReleaseSignal,
        RetryBeatSignal,
        ServiceHoldInput,
        WithdrawSignal,
    )
    from workflows.details import current_details, search_attributes
    from workflows.hold_inbox import Event
    from workflows.inbox import NO_INPUT, CancelRequested, Unintelligible, read_signal

_AFTER_THE_FLAG = PLACING[1:]
_CARRIED_AT_MOST = 1_000_000  # bytes of a fresh run's input; Temporal takes 2 MB


@workflow.defn(name=contract.SERVICE_HOLD)
class ServiceHold:
    """One hold of one customer; its workflow id is `service-hold/<customer_id>`."""

    @workflow.init
    def __init__(self, start: RawValue = NO_INPUT) -> None:
        """Take the input in raw: see `hold_inbox.read_start`. It is a `ServiceHoldInput`."""
        begun_with = hold_inbox.read_start(start, workflow.info().workflow_id)
        self._customer_id = begun_with.customer_id
        self._inbox: deque[Event] = deque(begun_with.triggers)
        self._carried = begun_with.carried
        self._for_the_next_proposal: list[Trigger] = []
        self._beats = beats.Beats(PLACING, changed=self._publish)
        self._hold: HoldView | None = None
        self._one_by_one = asyncio.Lock()  # what changes the hold's rows, so that the newest view of them stays
        self._side_by_side: list[asyncio.Task[None]] = []
        self._not_yet: set[str] = set()
        self._decided_in_time: UUID | None = None
        self._refused_signals = 0
        self._published: dict[str, Any] = {}

    @workflow.run
    async def run(self, start: RawValue = NO_INPUT) -> HoldOutcome:  # noqa: ARG002 (read by __init__)
        """Live through the hold. Temporal's cancel is an event in it, not its end: see `_refuse_or_withdraw`."""
        life = asyncio.create_task(self._life())
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.cancelled():
                    raise  # not asked for by anybody: the worker takes the run out of its memory
                self._inbox.append(CancelRequested(workflow.cancellation_reason() or ""))

    async def _life(self) -> HoldOutcome:
        turned_away = await self._propose()
        if self._hold is None:
            return await self._end(HoldOutcome(detail=f"nothing proposed: {'; '.join(turned_away) or 'no trigger'}"))
        if self._hold.status is HoldStatus.PROPOSED:
            status = await self._decided()
            if status is not HoldStatus.APPLYING:
                return await self._end(HoldOutcome(hold_id=self._hold.hold_id, status=status))
        if self._the_hold().status in (HoldStatus.APPLYING, HoldStatus.IN_FORCE):
            await self._hold_on()
        return await self._let_go()

    # --- proposed -----------------------------------------------------------------------------------------------

    async def _propose(self) -> list[str]:
        """Open a proposal for the triggers at hand, or take up the hold that is open already."""
        triggers = [event for event in self._inbox if isinstance(event, Trigger)]
        others = [event for event in self._inbox if not isinstance(event, Trigger)]
        self._inbox = deque([*self._carried, *others])  # carried triggers may be many: dealt with one by one
        order = signatures.OpenHold(
            customer_id=self._customer_id, new_hold_id=workflow.uuid4(), triggers=triggers, now=workflow.now()
        )
        opened = await record.ask(signatures.open_hold, order, "Propose the hold")
        self._for_the_next_proposal += opened.late
        self._refused_signals += opened.refused
        self._see(opened.hold)
        return opened.turned_away

    async def _decided(self) -> HoldStatus:
        """Wait for the proposal to be settled: by an approver's decision, by its due date, or by a withdrawal."""
        while True:
            if await waiting.until(lambda: bool(self._inbox), self._until_due(), self._what_is_due()):
                settled = await self._handle(self._inbox.popleft())
                if settled is not None:
                    return settled
            elif await self._pass_deadline():
                return HoldStatus.EXPIRED
            if self._goes_on_afresh():
                self._continue_as_new()

    def _until_due(self) -> timedelta | None:
        """How long until a person is to be told of the hold, or its open proposal expires; None for never."""
        hold = self._the_hold()
        due = [hold.next_look_at] if hold.next_look_at else []
        if self._is_undecided() and hold.proposal_id != self._decided_in_time:
            due.append(hold.due_at)
        return min(due) - workflow.now() if due else None

    def _what_is_due(self) -> str:
        hold = self._the_hold()
        if hold.next_look_at is not None and (not self._is_undecided() or hold.next_look_at < hold.due_at):
            return "Look at the hold: what has become due"
        return "The proposal expires undecided"

    async def _pass_deadline(self) -> bool:
        """Tell people what has become due; whether the proposal has expired with it."""
        hold = self._the_hold()
        if hold.next_look_at is not None and hold.next_look_at <= workflow.now():
            await self._look("Look at what has become due")
            hold = self._the_hold()  # the look may have proposed something, which is due later
        if not self._is_undecided() or hold.proposal_id == self._decided_in_time or workflow.now() < hold.due_at:
            return False
        if await self._settle_undecided(HoldStatus.EXPIRED):
            return True
        self._decided_in_time = hold.proposal_id  # its decision came first: the signal is on the way
        return False

    async def _look(self, summary: str) -> None:
        """Do what has become due about the hold, and what follows from how things stand with the customer now."""
        self._see(await record.ask(signatures.look_at_hold, self._hold_now(), summary))

    async def _look_at_facts(self) -> None:
        """Look once, however many changes of the facts are waiting: the look sees them all."""
        self._inbox = deque(event for event in self._inbox if not isinstance(event, FactsChangedSignal))
        if self._the_hold().status in (HoldStatus.APPLYING, HoldStatus.IN_FORCE):
            await self._look("The receivables changed: see what follows")

    def _is_undecided(self) -> bool:
        hold = self._the_hold()
        return hold.status is HoldStatus.PROPOSED or hold.undecided

    async def _handle(self, event: Event) -> HoldStatus | None:
        """Deal with one event; returns the status of a hold that was settled by it."""
        match event:
            case Trigger():
                await self._add_evidence(event)
            case DecideSignal():
                return await self._obey(event)
            case ReleaseSignal():
                await self._request_release(event)
            case FactsChangedSignal():
                await self._look_at_facts()
            case DriftSignal():
                await self._propose_repair()
            case CancelRequested() | Unintelligible():
                return await self._refuse_or_withdraw(event)
        return None

    async def _add_evidence(self, trigger: Trigger) -> None:
        order = signatures.AddEvidence(hold_id=self._the_hold().hold_id, trigger=trigger, now=workflow.now())
        added = await record.ask(signatures.add_evidence, order, f"Add evidence: {trigger.kind}")
        self._refused_signals += added.refused
        if added.kept:
            self._see(added.hold)
        else:
            self._for_the_next_proposal.append(trigger)

    async def _obey(self, signal: DecideSignal) -> HoldStatus | None:
        """Load the decision's row and do what it says; a signal with no row behind it is refused there."""
        hold_id = self._the_hold().hold_id
        order = signatures.SettleDecision(hold_id=hold_id, decision_id=signal.decision_id, now=workflow.now())
        settled = await record.ask(signatures.settle_decision, order, "Obey the approver's decision")
        if settled.outcome == "refused":
            self._refused_signals += 1
        if settled.wait is not None and str(signal.decision_id) not in self._not_yet:
            self._not_yet.add(str(signal.decision_id))
            asyncio.create_task(self._obey_after(settled.wait, signal))  # noqa: RUF006 (the relay resends a lost one)
        self._see(settled.hold)
        if _is_pushed_again(settled):
            self._side_by_side.append(asyncio.create_task(self._push_again()))
        return settled.hold.status if settled.outcome in ("approved", "declined") else None

    async def _obey_after(self, wait: timedelta, signal: DecideSignal) -> None:
        """Come back to an approval when it cannot be taken back any more."""
        await waiting.passes(wait, "Approved; until this fires it can be taken back")
        self._not_yet.discard(str(signal.decision_id))
        self._inbox.append(signal)

    async def _refuse_or_withdraw(self, event: CancelRequested | Unintelligible) -> HoldStatus | None:
        """Audit what means nothing. Cancelling withdraws a proposal, and never ends a hold that was approved."""
        if isinstance(event, Unintelligible):
            await self._refuse(event)
        elif self._the_hold().status is HoldStatus.PROPOSED and await self._settle_undecided(
            HoldStatus.WITHDRAWN, event.reason
        ):
            return HoldStatus.WITHDRAWN
        else:
            problem = "an approved hold is released, not cancelled"
            await self._refuse(Unintelligible("cancel", problem, event.reason))
        return None

    async def _settle_undecided(self, ending: HoldStatus, reason: str = "") -> bool:
        hold = self._the_hold()
        order = signatures.CloseProposal(
            hold_id=hold.hold_id, proposal_id=hold.proposal_id, ending=ending, reason=reason, now=workflow.now()
        )
        settled = await record.ask(signatures.close_proposal, order, f"Settle the proposal: {ending}")
        if settled:
            self._see(hold.model_copy(update=_as_settled(hold, ending)))
        return settled

    # --- applying, in force -------------------------------------------------------------------------------------

    async def _hold_on(self) -> None:
        """Carry the decision out, and stay for as long as the hold is in force."""
        carrying_out = asyncio.create_task(self._carry_out())
        await self._live_until(lambda: self._the_hold().status is HoldStatus.RELEASING, carrying_out)
        await self._lay_down(carrying_out)

    async def _live_until(self, over: Callable[[], bool], work: "asyncio.Task[None]") -> None:
        """Deal with events and deadlines beside `work`. A release that stays undecided expires; the hold stays."""

        def failed() -> "asyncio.Task[None] | None":
            return next((task for task in (work, *self._side_by_side) if _has_failed(task)), None)

        while not over():
            is_news = await waiting.until(
                lambda: bool(self._inbox) or failed() is not None or _is_long() or over(),
                self._until_due(),
                self._what_is_due(),
            )
            if not is_news:
                async with self._one_by_one:
                    await self._pass_deadline()
                continue
            if (bug := failed()) is not None:
                bug.result()  # raises: a mistake in this code must show as a failed task, never as silence
            if not over() and self._goes_on_afresh():
                await self._lay_down(work)
                self._continue_as_new()
            if self._inbox:
                async with self._one_by_one:
                    await self._handle(self._inbox.popleft())

    async def _lay_down(self, carrying_out: "asyncio.Task[None]") -> None:
        """Stop what is under way: a continue-as-new must be the last thing its run asks for. The next run goes on."""
        under_way = [carrying_out, *self._side_by_side]
        with self._beats.stopping():
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        self._side_by_side = []

    async def _carry_out(self) -> None:
        """Run the four beats: the flag first, then the others side by side. A beat never fails the hold.

        A beat that is done already does nothing when it is run again, so a new run simply runs all four.
        """
        await self._run_beat(Beat.FLAG_CUSTOMER)
        self._side_by_side += [asyncio.create_task(self._run_beat(beat)) for beat in _AFTER_THE_FLAG]
        await waiting.until(
            lambda: all(self._beats.has_first_outcome(beat) for beat in _AFTER_THE_FLAG),
            policies.FIRST_OUTCOME,
            "In force even where a beat has not answered yet",
        )
        async with self._one_by_one:
            await record.ask(signatures.put_in_force, self._hold_now(), "The hold is in force")
            self._see(self._the_hold().model_copy(update={"status": HoldStatus.IN_FORCE}))
        for running in self._side_by_side:
            await running

    async def _run_beat(self, beat: Beat) -> None:
        await self._beats.run(beat, self._the_hold())

    async def _propose_repair(self) -> None:
        """NetSuite says something else than this hold wants: ask, never rewrite in silence."""
        self._see(await record.ask(signatures.propose_repair, self._hold_now(), "NetSuite differs: ask about it"))

    async def _push_again(self) -> None:
        """Run beat 4 once more for an approved repair, behind the push that may still be under way."""
        before = self._beats.states[Beat.PUSH_NETSUITE]
        await waiting.until(lambda: before.status in BEAT_OVER)
        self._beats.plan([Beat.PUSH_NETSUITE])
        await self._run_beat(Beat.PUSH_NETSUITE)

    # --- releasing, released ------------------------------------------------------------------------------------

    async def _request_release(self, request: ReleaseSignal) -> None:
        order = signatures.RequestRelease(hold_id=self._the_hold().hold_id, request=request, now=workflow.now())
        self._see(await record.ask(signatures.request_release, order, f"Release asked for: {request.cause}"))

    async def _let_go(self) -> HoldOutcome:
        """Take back what the beats did; the hold is released when NetSuite has its prior value again."""
        self._beats.plan(RELEASING)
        taking_back = asyncio.create_task(self._take_back())
        await self._live_until(taking_back.done, taking_back)
        taking_back.result()  # raises what it failed with: nothing is closed that was not taken back
        hold = self._the_hold()
        await record.ask(signatures.finish_release, self._hold_now(), "The hold is released")
        self._see(hold.model_copy(update={"status": HoldStatus.RELEASED}))
        return await self._end(HoldOutcome(hold_id=hold.hold_id, status=HoldStatus.RELEASED))

    async def _take_back(self) -> None:
        await self._withdraw_unsent()
        await self._run_beat(Beat.UNFLAG_CUSTOMER)
        self._side_by_side = [asyncio.create_task(self._run_beat(beat)) for beat in RELEASING[1:]]
        for running in self._side_by_side:
            await running

    async def _withdraw_unsent(self) -> None:
        """Tell the messages that have not left that their hold is over."""
        for message_id in await record.ask(signatures.unsent_messages, self._hold_now(), "Find what has not been sent"):
            message = workflow.get_external_workflow_handle(contract.message_workflow_id(message_id))
            try:
                await message.signal("withdraw", WithdrawSignal())
            except ApplicationError:
                workflow.logger.warning("a message's workflow is gone", extra={"message_id": str(message_id)})

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
                case ReleaseSignal() if self._hold is not None:
                    await self._request_release(event)
                case ReleaseSignal():
                    await self._refuse(Unintelligible("request_release", "no hold is open", event.reason))
                case Unintelligible():
                    await self._refuse(event)
        # Nothing is awaited between the last look into the inbox and the end: no trigger dies with the run.
        if self._for_the_next_proposal:
            self._continue_as_new()
        return outcome

    def _goes_on_afresh(self) -> bool:
        """Whether a fresh history is to begin now. Signals that wait go along, but for a flood of them."""
        if not _is_long():
            return False
        if not self._inbox:
            return True
        fits = len(self._for_the_next_run().model_dump_json().encode()) <= _CARRIED_AT_MOST
        return fits and workflow.patched("carries-its-inbox")

    def _continue_as_new(self) -> NoReturn:
        """Start a fresh run. It finds the hold in the database and runs unfinished beats."""
        workflow.continue_as_new(self._for_the_next_run())

    def _for_the_next_run(self) -> ServiceHoldInput:
        return ServiceHoldInput(
            customer_id=self._customer_id, triggers=self._for_the_next_proposal, inbox=hold_inbox.carry(self._inbox)
        )

    # --- signals, query, and what people see --------------------------------------------------------------------

    @workflow.signal(dynamic=True)
    def signal(self, name: str, values: Sequence[RawValue]) -> None:
        """Take in one of `hold_inbox.SIGNALS`. Never raises: what makes no sense is audited and changes nothing."""
        message = read_signal(name, values, hold_inbox.SIGNALS)
        if isinstance(message, RetryBeatSignal):
            self._beats.request_retry(message.beat)
        else:
            self._inbox.append(message)

    @workflow.query
    def state(self) -> HoldState:
        """Where the hold stands."""
        return HoldState(
            hold=self._hold,
            status=self._hold.status if self._hold else None,
            waiting_on=self._waiting_on(),
            beats=self._beats.states,
            refused_signals=self._refused_signals,
        )

    async def _refuse(self, event: Unintelligible) -> None:
        self._refused_signals += 1
        hold_id = self._hold.hold_id if self._hold else None
        await record.refuse(event, hold_id=hold_id, customer_id=self._customer_id)

    def _the_hold(self) -> HoldView:
        if self._hold is None:
            raise ApplicationError("no hold is open", non_retryable=True)
        return self._hold

    def _hold_now(self) -> signatures.HoldAt:
        return signatures.HoldAt(hold_id=self._the_hold().hold_id, now=workflow.now())

    def _see(self, hold: HoldView | None) -> None:
        self._hold = hold
        self._publish()

    def _waiting_on(self) -> WaitingOn:
        if self._hold is None:
            return WaitingOn.NOBODY
        counted = RELEASING if self._hold.status is HoldStatus.RELEASING else PLACING
        standing = [state.status for beat, state in self._beats.states.items() if beat in counted]
        return waiting_on(self._hold.status, standing, undecided=self._hold.undecided)

    def _publish(self) -> None:
        """Show the hold in the Web UI: current details, and the search attributes that changed."""
        hold = self._hold
        if hold is None:
            return
        waiting = self._waiting_on()
        workflow.set_current_details(current_details(hold, self._beats.states, waiting))
        changed = [
            update
            for update in search_attributes(hold, self._beats.states, waiting)
            if self._published.get(update.key.name) != update.value
        ]
        if changed:
            workflow.upsert_search_attributes(changed)
            self._published.update((update.key.name, update.value) for update in changed)


def _is_pushed_again(settled: signatures.DecisionSettled) -> bool:
    if settled.push_again is None:  # a history from before, which says so by what was proposed last
        return settled.outcome == "approved" and settled.hold.proposal_kind is ProposalKind.REPAIR
    return settled.push_again


def _as_settled(hold: HoldView, ending: HoldStatus) -> dict[str, Any]:
    """What changes of a hold whose proposal ended undecided: only an unplaced hold ends with it."""
    settled: dict[str, Any] = {"proposal_status": ProposalStatus(ending)}
    return settled if hold.undecided else settled | {"status": ending}


def _has_failed(task: "asyncio.Task[None]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _is_long() -> bool:
    """Whether the server wants a fresh history: also in a silent outage, which nobody signals about."""
    return workflow.info().is_continue_as_new_suggested()
