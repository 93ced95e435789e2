"""What every request works with."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.client import Client

from db import act, engine
from db.act import Act
from db.people.tokens import Caller
from runtime.settings import Settings
from runtime.temporal import connect
from services.freight.credit_hold import CreditHoldOperations
from services.freight.gates import Gates
from services.freight.operations import FreightOperations
from services.freight.profiles import Profiles
from services.holds.operations import Operations
from services.holds.outcomes import OutcomeOperations
from services.messages.operations import MessageOperations
from services.netsuite.drift import DriftOperations
from services.receivables.inbound import InboundEvents

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Surroundings:
    """One desk process: its settings, its database pool, Temporal, and what can be asked for."""

    settings: Settings
    engine: Engine
    client: Client
    operations: Operations
    messages: MessageOperations
    outcomes: OutcomeOperations
    drift: DriftOperations
    events: InboundEvents
    profiles: Profiles
    gates: Gates
    freight: FreightOperations


@asynccontextmanager
async def open_surroundings(settings: Settings) -> AsyncIterator[Surroundings]:
    """Open everything; Temporal may be away and is connected when first needed."""
    url = settings.database_url.get_secret_value()
    pool = engine.make_engine(url, pool_size=settings.database_pool_size)
    gates = Gates(url, settings.eligibility_when_down)
    try:
        client = await connect(settings, lazy=True)
        outcomes = OutcomeOperations(pool, client, settings.task_queue)
        yield Surroundings(
            settings,
            pool,
            client,
            operations=Operations(pool, client, settings.task_queue),
            messages=MessageOperations(pool, client),
            outcomes=outcomes,
            drift=DriftOperations(pool, client, settings.task_queue),
            events=InboundEvents(pool, client, settings.task_queue),
            profiles=Profiles(pool, CreditHoldOperations(pool, outcomes)),
            gates=gates,
            freight=FreightOperations(pool, gates),
        )
    finally:
        gates.close()
        pool.dispose()


def surroundings(request: Request) -> Surroundings:
    """Return what this request works with: a FastAPI dependency."""
    found: Surroundings = request.app.state.surroundings
    return found


async def in_transaction(
    desk: Surroundings, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Do `work` on the desk's database, as `db.engine.in_transaction`."""
    return await engine.in_transaction(desk.engine, work, *args, **kwargs)


async def acting(
    desk: Surroundings, who: Caller, work: Callable[Concatenate[Act, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Do `work` in the caller's name on the desk's database, as `db.act.acting`."""
    return await act.acting(desk.engine, who.name, work, *args, **kwargs)
