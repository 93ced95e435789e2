"""Waiting for the row that says what a hold made of a signal."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.triggers import Trigger
from db.engine import in_transaction
from db.holds import holds
from db.models import Base, HoldTrigger

_POLL_SECONDS = 0.05

Row = TypeVar("Row", bound=Base)


class NoWorkerError(RuntimeError):
    """Temporal took the trigger, and no worker has acted on it in time. It is not lost."""


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
        row = await in_transaction(engine, find)
        if row is not None:
            return row
        await asyncio.sleep(_POLL_SECONDS)
    msg = (
        f"Temporal has the signal for customer {customer_id}, and no worker took it up within {wait}. It is kept "
        "and will be acted on; see `hold doctor` for what is down"
    )
    raise NoWorkerError(msg)
