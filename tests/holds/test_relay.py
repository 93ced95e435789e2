"""A decision's row is an outbox: whatever happens between the row and the signal, the workflow obeys it, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RetryConfig

from credit.states import Verdict
from db.act import Act
from db.engine import transaction
from db.holds import decisions, proposals
from db.models import Decision
from services import outboxes
from services.holds.operations import Operations
from services.relay import relay
from tests.holds.helpers import all_done, events, reads, rows, trigger, workers, write_decision
from tests.world import World

RESEND = timedelta(milliseconds=200)


@asynccontextmanager
async def relaying(world: World, client: Client | None = None) -> AsyncIterator[None]:
    every = outboxes.all_of(world.settings.task_queue)
    task = asyncio.create_task(relay(client or world.client, world.engine, every, RESEND))
    try:
        yield
    finally:
        assert not task.done(), "the relay gave up"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def a_way_to_temporal(world: World) -> AsyncIterator[Client]:
    """A client whose connection is cut when the block ends, and refused afterwards."""
    host, _, port = world.settings.temporal_address.rpartition(":")
    pumps: list[asyncio.Task[None]] = []

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()

    async def connected(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        up_source, up_sink = await asyncio.open_connection(host, int(port))
        pumps.extend((asyncio.create_task(pump(source, up_sink)), asyncio.create_task(pump(up_source, sink))))

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    address = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    few = RetryConfig(max_retries=1, max_elapsed_time_millis=500)
    yield await Client.connect(address, data_converter=pydantic_data_converter, retry_config=few)
    proxy.close()
    for one in pumps:
        one.cancel()
    await asyncio.gather(*pumps, return_exceptions=True)


def decision_row(world: World) -> Decision:
    [row] = rows(world, select(Decision))
    return row


async def test_decision_whose_signal_was_never_sent_is_applied_once(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)
    assert decision_row(world).sent_at is None

    async with relaying(world):
        await world.in_status(customer, "in_force")
        await all_done(world, customer)

    row = decision_row(world)
    assert (row.id, row.outcome) == (decision.id, "approved")
    assert row.applied_at > row.decided_at
    assert len(events(world, row.hold_id, "hold_in_force")) == 1
    assert len(world.sandbox.applied(customer)) == 1


async def test_unsent_decline_is_delivered_too(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    write_decision(world, customer, Verdict.DECLINE)

    async with relaying(world):
        await world.in_status(customer, "declined")


async def test_decision_resent_while_no_worker_runs_is_applied_once_when_one_does(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await world.start(customer)

    decided = await world.approve(customer)
    assert decided.delivered
    async with relaying(world):
        first = decision_row(world).sent_at
        await world.eventually(lambda: decision_row(world).sent_at > first + 2 * RESEND)
        async with workers(world):
            await all_done(world, customer)

    assert len(events(world, decided.id, "hold_in_force")) == 1
    assert events(world, decided.id, "signal_refused") == []
    assert len(world.sandbox.applied(customer)) == 1


async def test_decision_applied_is_sent_no_more(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await all_done(world, customer)
    sent = decision_row(world).sent_at

    with reads(world, "decisions") as looks:
        async with relaying(world):
            await world.eventually(lambda: len(looks) > 6)  # it looks twice in the time after which it sends again

    assert decision_row(world).sent_at == sent


async def test_decision_made_while_temporal_is_away_stands_and_is_delivered_later(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    async with a_way_to_temporal(world) as client:
        operations = Operations(world.engine, client, world.settings.task_queue)
        claim, proposal = await operations.claim(customer, actor="mike")

    decided = await operations.decide(
        customer,
        claim_id=claim.id,
        revision=proposal.revision,
        verdict=Verdict.APPROVE,
        reason="as discussed",
        actor="mike",
    )

    assert (decided.status, decided.delivered) == ("approved", False)
    assert world.show(customer)["status"] == "proposed"
    async with relaying(world):
        await world.in_status(customer, "in_force")


async def test_decisions_that_can_never_be_delivered_do_not_starve_the_others(world: World) -> None:
    customer = world.customer()
    gone = [world.customer(in_netsuite=False) for _ in range(100)]
    for other in gone:
        with transaction(world.engine) as session:
            proposals.open_hold(
                Act.of_system(session, datetime.now(UTC)),
                customer_id=other,
                new_hold_id=uuid4(),
                triggers=[trigger()],
                run_id="gone",
            )
        write_decision(world, other, Verdict.DECLINE)
    await world.start(customer)
    write_decision(world, customer, Verdict.APPROVE)
    with transaction(world.engine) as session:
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert len(decisions.undelivered(session, now=later, resend_after=RESEND)) == 100

    async with relaying(world):
        await world.in_status(customer, "in_force")

    [left] = rows(world, select(func.count()).select_from(Decision).where(Decision.applied_at.is_(None)))
    assert left == 100
