"""Starting a hold is always signal-with-start: a second trigger reaches the hold that is open (design 3.1)."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from credit.triggers import Trigger
from db.engine import transaction
from db.models import Base, HoldTrigger
from db.repositories import holds
from workflows.contract import SERVICE_HOLD, ServiceHoldInput, service_hold_id

_WHAT_THIS_IS = """\
A **service hold** stops extending credit to a customer; risk level 4 of 5. Nothing happens before a named person
approves. Then four beats run: the customer is flagged, the sales rep's message and the customer's notice are drafted
(nothing is sent), NetSuite's credit hold is set. This workflow stays running for as long as the hold is in force.
A decision is a row in the database, made with `hold approve` or `hold decline`: a raw signal decides nothing.
"""
_POLL_SECONDS = 0.05

Row = TypeVar("Row", bound=Base)


class NoWorkerError(RuntimeError):
    """Temporal took the trigger, and no worker has acted on it in time. It is not lost."""


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


async def await_trigger(engine: Engine, trigger: Trigger, customer_id: str, wait: timedelta) -> HoldTrigger:
    """Wait until the trigger's row says what became of it.

    Raises:
        NoWorkerError: nobody acted on it within `wait`.
    """
    return await await_row(engine, partial(holds.trigger, trigger_id=trigger.id), customer_id, wait)


async def await_row(engine: Engine, find: Callable[[Session], Row | None], customer_id: str, wait: timedelta) -> Row:
    """Wait until a row says what the customer's hold made of a signal.

    Raises:
        NoWorkerError: nobody acted on it within `wait`.
    """
    deadline = time.monotonic() + wait.total_seconds()
    while time.monotonic() < deadline:
        row = await asyncio.to_thread(partial(_read, engine, find))
        if row is not None:
            return row
        await asyncio.sleep(_POLL_SECONDS)
    msg = (
        f"Temporal has the signal for customer {customer_id}, and no worker took it up within {wait}. It is kept "
        "and will be acted on; see `hold doctor` for what is down"
    )
    raise NoWorkerError(msg)


def _read(engine: Engine, find: Callable[[Session], Row | None]) -> Row | None:
    with transaction(engine) as session:
        return find(session)
