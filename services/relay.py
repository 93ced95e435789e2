"""Tell Temporal what a row asks for: at once by whoever wrote the row, and again until what it asks for has happened.

Temporal's word that it has a signal ends nothing: a workflow may be ended before it has acted on it. A row leaves its
outbox when the row of its effect is there. Every receiver knows what it has done already by the sender's id.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError

from db.engine import in_transaction

PATIENCE = 3.0
"""Seconds that anybody waits for Temporal to be told of something; after that it is left to the relay."""
_AWAY = (RPCError, RuntimeError, TimeoutError)  # RuntimeError: the SDK's first connection
_EXCERPT = 500
_log = structlog.get_logger(__name__)


class _Row(Protocol):
    @property
    def id(self) -> object: ...


Row = TypeVar("Row", bound=_Row)
T = TypeVar("T")
Row_co = TypeVar("Row_co", covariant=True)


class _Undelivered(Protocol[Row_co]):
    def __call__(self, session: Session, *, now: datetime, resend_after: timedelta) -> Sequence[Row_co]: ...


def _ends_with_its_effect(session: Session, now: datetime) -> None:
    """Leave the rows alone: the transaction that has the effect ends them."""


@dataclass(frozen=True)
class Outbox(Generic[Row]):
    """Rows of one table that Temporal is told of until their effect is there."""

    name: str
    """What one row is, for the log."""
    undelivered: _Undelivered[Row]
    """A page of the rows to be sent now."""
    deliver: Callable[[Client, Row], Awaitable[object]]
    """Sends one row. Repeated, it does no harm."""
    note_tried: Callable[[Session, Row, datetime], None]
    """Notes that a row was sent, or that this failed."""
    end: Callable[[Session, datetime], None] = _ends_with_its_effect
    """Takes the rows out whose effect's row is there."""


class NotToldError(RuntimeError):
    """Something asked for is kept, and Temporal could not be told of it in time."""

    def __init__(self) -> None:
        super().__init__(
            "Temporal cannot be reached. What you asked for is kept, and is done when Temporal is back: there is no "
            "need to ask again"
        )


async def deliver_now(client: Client, engine: Engine, outbox: Outbox[Row], row: Row) -> bool:
    """Send a row that was just written; False where that failed or took too long, and the relay will do it."""
    try:
        async with asyncio.timeout(PATIENCE):
            await outbox.deliver(client, row)
            await in_transaction(engine, outbox.note_tried, row, datetime.now(UTC))
    except (*_AWAY, SQLAlchemyError) as error:
        _log.warning("written, not delivered yet", outbox=outbox.name, id=str(row.id), error=_said(error))
        return False
    return True


async def answers_at_all(client: Client) -> bool:
    """Tell a Temporal that is slow from one that is away."""
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=PATIENCE))
    except _AWAY:
        return False


async def relay(client: Client, engine: Engine, outboxes: Iterable[Outbox[Any]], resend_after: timedelta) -> None:
    """Send undelivered rows for ever, each outbox at its own speed."""
    async with asyncio.TaskGroup() as side_by_side:
        for outbox in outboxes:
            side_by_side.create_task(_relay(client, engine, outbox, resend_after))


async def _relay(client: Client, engine: Engine, outbox: Outbox[Row], resend_after: timedelta) -> None:
    while True:
        try:
            for row in await _to_its_end(in_transaction(engine, _undelivered, outbox, resend_after)):
                await _resend(client, engine, outbox, row)
        except SQLAlchemyError as error:
            _log.warning("relay cannot read its outbox", outbox=outbox.name, error=_said(error))
        await asyncio.sleep(resend_after.total_seconds() / 2)


async def _resend(client: Client, engine: Engine, outbox: Outbox[Row], row: Row) -> None:
    log = _log.bind(outbox=outbox.name, id=str(row.id))
    try:
        async with asyncio.timeout(PATIENCE):
            await outbox.deliver(client, row)
        log.info("resent")
    except _AWAY as error:
        log.warning("not delivered yet", error=_said(error))
    await _to_its_end(in_transaction(engine, outbox.note_tried, row, datetime.now(UTC)))


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await a transaction; a relay that is stopped meanwhile stops behind it, when its connection is given back."""
    running = asyncio.create_task(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait((running,))
        raise


def _undelivered(session: Session, outbox: Outbox[Row], resend_after: timedelta) -> Sequence[Row]:
    now = datetime.now(UTC)
    outbox.end(session, now)
    return outbox.undelivered(session, now=now, resend_after=resend_after)


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_EXCERPT]
