"""Deliver decisions to their workflows. The decision's row is an outbox: it is sent until the workflow has obeyed."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from db.engine import transaction
from db.repositories import decisions
from workflows.contract import DecideSignal

_log = structlog.get_logger(__name__)


async def deliver(client: Client, engine: Engine, decision_id: UUID, workflow_id: str) -> None:
    """Send the `decide` signal of one decision, and note that it was sent.

    Raises:
        RPCError: Temporal is away, or the workflow is gone.
    """
    await client.get_workflow_handle(workflow_id).signal("decide", DecideSignal(decision_id=decision_id))
    await asyncio.to_thread(_note_sent, engine, decision_id)


def _note_sent(engine: Engine, decision_id: UUID) -> None:
    with transaction(engine) as session:
        decisions.note_sent(session, decision_id, datetime.now(UTC))


async def relay(client: Client, engine: Engine, resend_after: timedelta) -> None:
    """Resend undelivered decisions for ever. Whoever wrote one sent it at once: this is for when that failed."""
    while True:
        try:
            for decision_id, workflow_id in await asyncio.to_thread(_undelivered, engine, resend_after):
                await _resend(client, engine, decision_id, workflow_id)
        except SQLAlchemyError as error:
            _log.warning("relay cannot read decisions", error=str(error)[:500])
        await asyncio.sleep(resend_after.total_seconds() / 2)


async def _resend(client: Client, engine: Engine, decision_id: UUID, workflow_id: str) -> None:
    log = _log.bind(decision_id=str(decision_id), workflow_id=workflow_id)
    try:
        await deliver(client, engine, decision_id, workflow_id)
        log.info("decision resent")
    except RPCError as error:
        log.warning("decision not delivered yet", error=str(error)[:500])
        await asyncio.to_thread(_note_sent, engine, decision_id)


def _undelivered(engine: Engine, resend_after: timedelta) -> list[tuple[UUID, str]]:
    with transaction(engine) as session:
        return decisions.undelivered(session, now=datetime.now(UTC), resend_after=resend_after)
