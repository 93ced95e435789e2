"""What every request works with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client

from db.engine import make_engine, transaction
from runtime.settings import Settings
from runtime.temporal import connect
from services.freight.credit_hold import CreditHoldOperations
from services.freight.gates import Gates
from services.freight.operations import FreightOperations
from services.holds.operations import Operations
from services.holds.outcomes import OutcomeOperations
from services.messages.operations import MessageOperations

T = TypeVar("T")


@dataclass(frozen=True)
class Surroundings:
    """One desk process: its settings, its database pool, Temporal, and what can be asked for."""

    settings: Settings
    engine: Engine
    client: Client
    operations: Operations
    messages: MessageOperations
    credit_holds: CreditHoldOperations
    gates: Gates
    freight: FreightOperations


@asynccontextmanager
async def open_surroundings(settings: Settings) -> AsyncIterator[Surroundings]:
    """Open everything; Temporal may be away and is connected when first needed."""
    url = settings.database_url.get_secret_value()
    engine = make_engine(url, pool_size=settings.database_pool_size)
    gates = Gates(url, settings.eligibility_when_down)
    try:
        client = await connect(settings, lazy=True)
        operations, messages = Operations(engine, client, settings.task_queue), MessageOperations(engine, client)
        outcomes = OutcomeOperations(engine, client, settings.task_queue)
        credit_holds = CreditHoldOperations(engine, outcomes)
        freight = FreightOperations(engine, gates)
        yield Surroundings(settings, engine, client, operations, messages, credit_holds, gates, freight)
    finally:
        gates.close()
        engine.dispose()


def surroundings(request: Request) -> Surroundings:
    """Return what this request works with: a FastAPI dependency."""
    found: Surroundings = request.app.state.surroundings
    return found


async def in_transaction(desk: Surroundings, work: Callable[[Session], T]) -> T:
    """Run `work` in a transaction of its own, off the event loop."""

    def run() -> T:
        with transaction(desk.engine) as session:
            return work(session)

    return await asyncio.to_thread(run)
