"""Propose a service hold where a credit limit put a customer on credit hold. The crossing's row is the outbox.

The trigger's id is made of the crossing's, so that however often it is handed over, it counts once.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from db.engine import transaction
from db.freight import limit_transitions
from db.holds import requests
from db.models import LimitTransition
from workflows.starting import send_trigger

_log = structlog.get_logger(__name__)


async def relay_limits(client: Client, engine: Engine, task_queue: str, resend_after: timedelta) -> None:
    """Hand crossings to the customers' holds for ever, and those in vain again after a while."""
    while True:
        try:
            for transition in await asyncio.to_thread(_unproposed, engine, resend_after):
                await _propose(client, engine, task_queue, transition)
        except SQLAlchemyError as error:
            _log.warning("relay cannot read crossed limits", error=str(error)[:500])
        await asyncio.sleep(resend_after.total_seconds() / 2)


async def _propose(client: Client, engine: Engine, task_queue: str, transition: LimitTransition) -> None:
    log = _log.bind(transition_id=str(transition.id), customer_id=transition.customer_id)
    try:
        await send_trigger(client, task_queue, transition.customer_id, requests.of_crossing(transition))
    except (RPCError, RuntimeError) as error:  # RuntimeError: the SDK's first connection
        log.warning("crossed limit not proposed yet", error=str(error)[:500])
        await asyncio.to_thread(_note, engine, transition, proposed=False)
    else:
        await asyncio.to_thread(_note, engine, transition, proposed=True)
        log.info("crossed limit proposed")


def _note(engine: Engine, transition: LimitTransition, *, proposed: bool) -> None:
    with transaction(engine) as session:
        limit_transitions.note_tried(session, transition, datetime.now(UTC), proposed=proposed)


def _unproposed(engine: Engine, resend_after: timedelta) -> Sequence[LimitTransition]:
    with transaction(engine) as session:
        return limit_transitions.unproposed(session, now=datetime.now(UTC), resend_after=resend_after)
