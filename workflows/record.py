"""What workflows ask of the record: activities of the main queue, tried for as long as the database is away."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from temporalio import workflow

from workflows import policies, signatures
from workflows.inbox import Unintelligible

Order = TypeVar("Order")
Answer = TypeVar("Answer")


async def ask(activity: Callable[[Order], Answer], order: Order, summary: str) -> Answer:
    """Have an activity done; `summary` is what the Web UI says of it."""
    return await workflow.execute_activity(activity, order, **policies.DATABASE, summary=summary)


async def refuse(event: Unintelligible, *, hold_id: UUID | None, customer_id: str) -> None:
    """Keep an audit row of what meant nothing."""
    order = signatures.RefuseSignal(
        hold_id=hold_id,
        customer_id=customer_id,
        signal=event.signal,
        problem=event.problem,
        content=event.content,
        now=workflow.now(),
    )
    await ask(signatures.refuse_signal, order, "Refuse a signal")
