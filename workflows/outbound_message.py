"""One drafted e-mail, from review to its end: the whole order of events, top to bottom.

    pending review ─► approved ─► [cooling-off] ─► sent
        │   ▲            │  └── refused by the mail server, or its answer lost: waits for a person
        │   └── recalled ┘
        └─► discarded | withdrawn (its hold is over)

A signal only wakes the workflow: what was decided is a row in the database, and the row is obeyed. So a signal that
was lost or invented does no harm: nothing is sent before the sending activity has looked at the row itself.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from credit.states import Delivery, MessageKind, MessageStatus, WaitingOn
    from workflows import contract, policies, record, signatures, waiting
    from workflows.contract import (
        DecideSignal,
        MessageView,
        OutboundMessageInput,
        RecallSignal,
        RetrySignal,
        WithdrawSignal,
    )
    from workflows.inbox import NO_INPUT, Unintelligible, read, read_signal
    from workflows.message_details import current_details, waiting_on

SIGNALS: dict[str, type[DecideSignal | RecallSignal | RetrySignal | WithdrawSignal]] = {
    "decide": DecideSignal,
    "recall": RecallSignal,
    "retry": RetrySignal,
    "withdraw": WithdrawSignal,
}

Event = DecideSignal | RecallSignal | RetrySignal | WithdrawSignal | Unintelligible

_OPEN = (MessageStatus.PENDING_REVIEW, MessageStatus.APPROVED)
_LEAVES = (Delivery.COOLING_OFF, Delivery.SENDING, Delivery.RETRYING)


@workflow.defn(name=contract.OUTBOUND_MESSAGE)
class OutboundMessage:
    """The life of one message; its workflow id is `message/<message_id>`."""

    @workflow.init
    def __init__(self, start: RawValue = NO_INPUT) -> None:
        """Take the input in raw. It is an `OutboundMessageInput`; without one the run ends at once."""
        self._problem, self._start = _read_start(start, workflow.info().workflow_id)
        self._message = MessageView(status=MessageStatus.PENDING_REVIEW)
        self._leaves_at = workflow.now()
        self._inbox: deque[Event] = deque()
        self._heard = 0
        self._waiting_on = WaitingOn.APPROVER
        self._reads_the_record = False

    @workflow.run
    async def run(self, start: RawValue = NO_INPUT) -> str:  # noqa: ARG002 (read by __init__)
        """Live until the message is sent, discarded or withdrawn; returns which. Temporal's cancel is refused.

        A start that makes no sense fails at once: whoever owns the message can then start it again.
        """
        if self._problem:
            raise ApplicationError(self._problem, type="BadStart", non_retryable=True)
        life = asyncio.create_task(self._life())
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.cancelled():
                    raise  # not asked for by anybody: the worker takes the run out of its memory
                problem = "a message is discarded or recalled, not cancelled"
                self._inbox.append(Unintelligible("cancel", problem, workflow.cancellation_reason() or ""))

    async def _life(self) -> str:
        workflow.upsert_search_attributes(
            [contract.CUSTOMER_ID.value_set(self._start.customer_id), contract.WAITING_ON.value_set(self._waiting_on)]
        )
        self._see(self._message)
        if workflow.patched("reads-the-record"):  # a run from before only knew `withdraw`: see `_heed`
            self._reads_the_record = True
            await self._read()
        while self._message.status in _OPEN:
            if self._is_due() and not _is_long() and workflow.patched("no-flood-of-signals-delays-it"):
                await self._send()
            elif self._inbox:
                await self._handle(self._inbox.popleft())
            elif _is_long():
                workflow.continue_as_new(self._start)
            elif self._is_due():
                await self._send()
            else:
                await self._wait()
        return self._message.status

    def _leaves(self) -> bool:
        """Whether an approval stands that nothing is in the way of."""
        return self._message.status is MessageStatus.APPROVED and self._message.delivery in _LEAVES

    def _is_due(self) -> bool:
        return self._leaves() and self._leaves_at <= workflow.now()

    async def _wait(self) -> None:
        """Wait for a signal, or for the end of the cooling-off."""
        await waiting.until(
            lambda: bool(self._inbox) or _is_long(),
            self._leaves_at - workflow.now() if self._leaves() else None,
            "Approved; until this fires it can be recalled",
        )

    # --- signals ------------------------------------------------------------------------------------------------

    @workflow.signal(dynamic=True)
    def signal(self, name: str, values: Sequence[RawValue]) -> None:
        """`decide`, `recall`, `retry`, `withdraw`. Never raises: what makes no sense is audited and changes nothing."""
        self._inbox.append(read_signal(name, values, SIGNALS))

    async def _handle(self, event: Event) -> bool:
        """Deal with one event; tells whether it was news."""
        match event:
            case DecideSignal():
                return await self._heed("decide", event.decision_id)
            case RecallSignal():
                return await self._heed("recall", event.decision_id)
            case RetrySignal():
                return await self._heed("retry", None)
            case WithdrawSignal():
                await self._withdraw()
            case Unintelligible():
                await self._refuse(event)
        return False

    async def _heed(self, signal: str, decision_id: UUID | None) -> bool:
        """Load the row behind a signal and do what it says; a signal with no row behind it is refused there."""
        self._heard += 1
        if not self._reads_the_record:
            # Before this code such a signal was refused, and still is in replay; one that comes now is heeded.
            if not workflow.patched(f"heeds-signal-{self._heard}"):
                await self._refuse(Unintelligible(signal, "unknown signal", str(decision_id or "")))
                return False
            self._reads_the_record = True
        order = signatures.HeedMessageSignal(
            message_id=self._start.message_id, signal=signal, decision_id=decision_id, now=workflow.now()
        )
        heeded = await record.ask(signatures.heed_message_signal, order, f"Obey the row behind: {signal}")
        self._see(heeded)
        return heeded.is_news

    async def _withdraw(self) -> None:
        order = signatures.WithdrawMessage(message_id=self._start.message_id, now=workflow.now())
        status = await record.ask(signatures.withdraw_message, order, "Withdraw the message")
        if status not in _OPEN:
            self._see(self._message.model_copy(update={"status": MessageStatus(status)}))

    async def _refuse(self, event: Unintelligible) -> None:
        await record.refuse(event, hold_id=self._start.hold_id, customer_id=self._start.customer_id)

    # --- sending ------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        """Try until the mail server has taken or refused it, or a signal changed what is to be done."""
        attempts = workflow.start_activity(
            signatures.send_message,
            signatures.MessageAt(message_id=self._start.message_id, now=workflow.now()),
            task_queue=contract.mail_task_queue(workflow.info().task_queue),
            **(policies.MAIL_ROUND if self._message.error else policies.MAIL_FIRST_TRY),
            summary="Send the message",
        )
        while not attempts.done():
            await waiting.until(lambda: attempts.done() or bool(self._inbox))
            if not attempts.done() and (await self._handle(self._inbox.popleft()) or not self._is_due()):
                attempts.cancel()
                with contextlib.suppress(ActivityError):
                    await attempts
                await self._read()  # whatever the attempt under way has come to
                return
        try:
            self._see(await attempts)
        except ActivityError as error:
            retrying = {"wait": timedelta(0), "delivery": Delivery.RETRYING, "error": str(error.cause or error)}
            self._see(self._message.model_copy(update=retrying))
            await waiting.until(lambda: bool(self._inbox), policies.BETWEEN_ROUNDS, "Before the next try")

    # --- what is known, and what people see ---------------------------------------------------------------------

    async def _read(self) -> None:
        order = signatures.MessageAt(message_id=self._start.message_id, now=workflow.now())
        self._see(await record.ask(signatures.read_message, order, "Read the message's record"))

    def _see(self, message: MessageView) -> None:
        """Take this as the truth, and show it in the Web UI."""
        self._message = message
        self._leaves_at = workflow.now() + message.wait
        workflow.set_current_details(current_details(self._start, message, self._leaves_at))
        waiting = waiting_on(message)
        if self._reads_the_record and waiting is not self._waiting_on:
            self._waiting_on = waiting
            workflow.upsert_search_attributes([contract.WAITING_ON.value_set(waiting)])


def _read_start(raw: RawValue, workflow_id: str) -> tuple[str, OutboundMessageInput]:
    """Return what is wrong with the input, empty for nothing, and the input."""
    start = read("start", [raw], OutboundMessageInput)
    if isinstance(start, Unintelligible):
        nothing = UUID(int=0)
        placeholder = OutboundMessageInput(
            message_id=nothing, hold_id=nothing, customer_id="", kind=MessageKind.SALES_REP, drafted_at=workflow.now()
        )
        return f"no message can be read from the input: {start.problem}", placeholder
    is_one = workflow_id.startswith(contract.message_workflow_id(""))
    if is_one and workflow_id != contract.message_workflow_id(start.message_id):
        return "the input is another message's than the workflow's id says", start
    return "", start


def _is_long() -> bool:
    """Whether the server wants a fresh history."""
    return workflow.info().is_continue_as_new_suggested()
