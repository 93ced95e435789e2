"""`OutboundMessage` as it was before messages could be sent: drafts that it began are still open."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from workflows import contract
    from workflows.contract import OutboundMessageInput


@workflow.defn(name=contract.OUTBOUND_MESSAGE, sandboxed=False)
class OutboundMessage:
    @workflow.run
    async def run(self, start: OutboundMessageInput) -> str:
        workflow.upsert_search_attributes(
            [contract.CUSTOMER_ID.value_set(start.customer_id), contract.WAITING_ON.value_set("approver")]
        )
        await workflow.wait_condition(lambda: False)
        return ""

    @workflow.signal(dynamic=True)
    def signal(self, name: str, values: Sequence[RawValue]) -> None:
        pass
