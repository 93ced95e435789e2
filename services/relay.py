"""Deliver decisions to their workflows. The decision's row is an outbox: it is sent until the workflow has obeyed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError

from db.engine import transaction
from db.holds import decisions
from db.messages import review
from workflows.contract import DecideSignal, message_workflow_id

_log = structlog.get_logger(__name__)


NoteSent = Callable[[Session, UUID, datetime], None]


async def deliver(client: Client, engine: Engine, decision_id: UUID, workflow_id: str) -> None:
    """Send the `decide` signal of one decision about a hold, and note that it was sent.

    Raises:
        RPCError: Temporal is away, or the workflow is gone.
    """
    await _deliver(client, engine, _Undelivered(decision_id, workflow_id, decisions.note_sent))


async def deliver_message_decision(client: Client, engine: Engine, decision_id: UUID, message_id: UUID) -> None:
    """Send the `decide` signal of one decision about a message, and note that it was sent.

    Raises:
        RPCError: Temporal is away, or the workflow is gone.
    """
    workflow_id = message_workflow_id(message_id)
    await _deliver(client, engine, _Undelivered(decision_id, workflow_id, review.note_sent))


async def relay(client: Client, engine: Engine, resend_after: timedelta) -> None:
    """Resend undelivered decisions for ever. Whoever wrote one sent it at once: this is for when that failed."""
    while True:
        try:
            for one in await asyncio.to_thread(_undelivered, engine, resend_after):
                await _resend(client, engine, one)
        except SQLAlchemyError as error:
            _log.warning("relay cannot read decisions", error=str(error)[:500])
        await asyncio.sleep(resend_after.total_seconds() / 2)


class _Undelivered(NamedTuple):
    decision_id: UUID
    workflow_id: str
    note_sent: NoteSent


async def _deliver(client: Client, engine: Engine, one: _Undelivered) -> None:
    await client.get_workflow_handle(one.workflow_id).signal("decide", DecideSignal(decision_id=one.decision_id))
    await asyncio.to_thread(_note_sent, engine, one)


def _note_sent(engine: Engine, one: _Undelivered) -> None:
    with transaction(engine) as session:
        one.note_sent(session, one.decision_id, datetime.now(UTC))


async def _resend(client: Client, engine: Engine, one: _Undelivered) -> None:
    log = _log.bind(decision_id=str(one.decision_id), workflow_id=one.workflow_id)
    try:
        await _deliver(client, engine, one)
        log.info("decision resent")
    except RPCError as error:
        log.warning("decision not delivered yet", error=str(error)[:500])
        await asyncio.to_thread(_note_sent, engine, one)


def _undelivered(engine: Engine, resend_after: timedelta) -> list[_Undelivered]:
    """Return a page of each sort, so that neither waits for the other's end."""
    now = datetime.now(UTC)
    with transaction(engine) as session:
        holds = decisions.undelivered(session, now=now, resend_after=resend_after)
        messages = review.undelivered(session, now=now, resend_after=resend_after)
    return [_Undelivered(decision, workflow, decisions.note_sent) for decision, workflow in holds] + [
        _Undelivered(decision, message_workflow_id(message), review.note_sent) for decision, message in messages
    ]
