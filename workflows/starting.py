"""Starting a hold is always signal-with-start: a second trigger reaches the hold that is open (docs/decisions/0003)."""

from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from credit.triggers import Trigger
from workflows.contract import SERVICE_HOLD, ServiceHoldInput, service_hold_id

_WHAT_THIS_IS = """\
A **service hold** stops extending credit to a customer; risk level 4 of 5. Nothing happens before a named person
approves. Then four beats run: the customer is flagged, the sales rep's message and the customer's notice are drafted
(nothing is sent), NetSuite's credit hold is set. This workflow stays running for as long as the hold is in force.
A decision is a row in the database, made with `hold approve` or `hold decline`: a raw signal decides nothing.
"""


async def send_trigger(client: Client, task_queue: str, customer_id: str, trigger: Trigger) -> None:
    """Hand a trigger to the customer's hold, starting one where none is open.

    Raises:
        RPCError: Temporal is away.
    """
    await start_hold_workflow(client, task_queue, customer_id, start_signal="trigger", start_signal_args=[trigger])


async def start_hold_workflow(client: Client, task_queue: str, customer_id: str, **signal: Any) -> None:
    """Start a customer's hold workflow where none runs; without a trigger it takes up the open hold in the record.

    Raises:
        RPCError: Temporal is away.
    """
    await client.start_workflow(
        SERVICE_HOLD,
        ServiceHoldInput(customer_id=customer_id),
        id=service_hold_id(customer_id),
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Service hold of customer {customer_id}",
        static_details=_WHAT_THIS_IS,
        **signal,
    )
