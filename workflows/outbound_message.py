"""One drafted e-mail: pending review until a person deals with it, or its hold ends and withdraws it."""

from collections.abc import Sequence

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from workflows import contract, policies, signatures
    from workflows.contract import OutboundMessageInput
    from workflows.inbox import Unintelligible, read_signal


class WithdrawSignal(BaseModel):
    """The payload of `withdraw`: the message's hold is over."""


SIGNALS = {"withdraw": WithdrawSignal}


@workflow.defn(name=contract.OUTBOUND_MESSAGE)
class OutboundMessage:
    """The life of one message; its workflow id is `message/<message_id>`."""

    @workflow.init
    def __init__(self, start: OutboundMessageInput) -> None:
        self._message = start
        self._withdrawn = False
        self._refused: list[Unintelligible] = []

    @workflow.run
    async def run(self, start: OutboundMessageInput) -> str:
        """Keep the draft under review until it is withdrawn; returns the status it ended with."""
        workflow.upsert_search_attributes(
            [
                contract.CUSTOMER_ID.value_set(start.customer_id),
                contract.WAITING_ON.value_set("approver"),
            ]
        )
        workflow.set_current_details(
            f"### Draft pending review: {start.kind.replace('_', ' ')}\n\n"
            f"Nothing is sent before a person approves it. Customer `{start.customer_id}`, hold `{start.hold_id}`. "
            f"Read it with `hold show {start.customer_id} --json`."
        )
        while not self._withdrawn:
            await workflow.wait_condition(lambda: self._withdrawn or bool(self._refused))
            while self._refused:
                await self._refuse(self._refused.pop(0))
        return await workflow.execute_activity(
            signatures.withdraw_message,
            signatures.WithdrawMessage(message_id=start.message_id, now=workflow.now()),
            **policies.DATABASE,
            summary="Withdraw the message",
        )

    @workflow.signal(dynamic=True)
    def signal(self, name: str, values: Sequence[RawValue]) -> None:
        """`withdraw`. Anything else is audited and changes nothing."""
        message = read_signal(name, values, SIGNALS)
        if isinstance(message, Unintelligible):
            self._refused.append(message)
        else:
            self._withdrawn = True

    async def _refuse(self, event: Unintelligible) -> None:
        await workflow.execute_activity(
            signatures.refuse_signal,
            signatures.RefuseSignal(
                hold_id=self._message.hold_id,
                customer_id=self._message.customer_id,
                signal=event.signal,
                problem=event.problem,
                content=event.content,
                now=workflow.now(),
            ),
            **policies.DATABASE,
            summary="Refuse a signal",
        )
