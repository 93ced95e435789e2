"""`kill -9` of a real worker process in the middle of its work: another one finishes it, each effect exactly once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr
from sqlalchemy import func, select
from temporalio.client import WorkflowExecutionStatus

from credit.states import Verdict
from db.models import AutoDecision, Message, MessageRevision, NetSuitePush, ReflexionLog
from runtime.settings import Settings
from tests.conftest import free_port
from tests.holds.helpers import all_done, events, frozen, holds_of, rows, waiting_for_locks, write_decision
from tests.world import World
from workflows.contract import message_workflow_id


def environment(settings: Settings) -> dict[str, str]:
    """The settings as `HOLD_…` variables."""
    given = {name: getattr(settings, name) for name in Settings.model_fields}
    plain = {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in given.items()}
    named = {f"HOLD_{name.upper()}": str(value) for name, value in plain.items() if value is not None}
    named["HOLD_WORKER_HEALTH_PORT"] = str(free_port())
    return os.environ | named


@asynccontextmanager
async def worker_process(world: World) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`python -m worker`, ready; killed at the end of the block if it still lives."""
    env = environment(world.settings)
    log = Path(world.settings.data_dir) / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 (it only forks)
            [sys.executable, "-m", "worker"], env=env, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://127.0.0.1:{env['HOLD_WORKER_HEALTH_PORT']}/readyz"

    def ready() -> bool:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            return httpx.get(url, trust_env=False).is_success
        except httpx.TransportError:
            return False

    try:
        await world.eventually(ready)
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait(20)


async def effects_happened_once(world: World, customer: str) -> None:
    [hold] = holds_of(world, customer)
    assert world.customer_row(customer).entitystatus == "hold"
    for action in ("customer_flagged", "hold_in_force"):
        assert len(events(world, hold.id, action)) == 1, action
    assert len(events(world, hold.id, "message_drafted")) == 2
    messages = rows(world, select(Message).where(Message.hold_id == hold.id))
    assert {message.kind for message in messages} == {"sales_rep", "customer_notice"}
    ids = [message.id for message in messages]
    assert len(rows(world, select(MessageRevision).where(MessageRevision.message_id.in_(ids)))) == 2
    for message in ids:
        described = await world.client.get_workflow_handle(message_workflow_id(message)).describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
    assert [row["body"] for row in world.sandbox.applied(customer)] == [{"creditHoldOverride": {"id": "ON"}}]
    assert world.show(customer)["netsuite"]["prior"] == "AUTO"
    for table in (AutoDecision, ReflexionLog):
        assert len(rows(world, select(table).where(table.hold_id == hold.id))) == 1


async def test_worker_killed_in_the_middle_of_every_beat(idle_world: World) -> None:
    """One customer is caught in beat 1, one in beats 2 to 4 at once; the same kill ends all of them."""
    world = idle_world
    first, others = world.customer(), world.customer()
    async with worker_process(world) as process:
        await world.start(first)
        await world.start(others)
        world.sandbox.faults(latency_ms=3000).raise_for_status()
        with (
            frozen(world, "SELECT 1 FROM customers WHERE id = :id FOR NO KEY UPDATE", id=first),
            frozen(world, "LOCK TABLE messages IN SHARE MODE"),
        ):
            await world.approve(first)
            await world.approve(others)
            await world.eventually(lambda: beat_of(world, others, "flag_customer") == "done")
            await world.eventually(lambda: beat_of(world, others, "push_netsuite") == "running")
            await world.eventually(lambda: waiting_for_locks(world) >= 3)  # beat 1 of one, the drafts of the other
            kill(process)
    await world.eventually(lambda: waiting_for_locks(world) == 0)
    assert world.customer_row(first).entitystatus == "active"
    assert rows(world, select(func.count()).select_from(Message)) == [0]
    world.sandbox.clear_faults()

    async with worker_process(world):
        for customer in (first, others):
            await all_done(world, customer)

    for customer in (first, others):
        await effects_happened_once(world, customer)


def beat_of(world: World, customer: str, beat: str) -> str:
    return str(world.beat(customer, beat)["status"])


async def test_worker_killed_after_netsuite_was_written_and_before_it_was_noted(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with worker_process(world) as process:
        await world.start(customer)
        world.sandbox.faults(commit_then_timeout_rate=1.0).raise_for_status()
        await world.approve(customer)
        await world.eventually(lambda: world.sandbox.applied(customer))
        kill(process)
    [push] = rows(world, select(NetSuitePush))
    assert push.ended_at is None

    async with worker_process(world):
        await all_done(world, customer)

    await effects_happened_once(world, customer)
    assert len(rows(world, select(NetSuitePush))) == 1


async def test_worker_killed_between_the_decision_and_the_beats(idle_world: World) -> None:
    """The decision's row is settled in a transaction that cannot commit before the kill, and again after it."""
    world, customer = idle_world, idle_world.customer()
    async with worker_process(world) as process:
        await world.start(customer)
        with frozen(world, "LOCK TABLE hold_beats IN EXCLUSIVE MODE"):
            write_decision(world, customer, Verdict.APPROVE)
            await world.eventually(lambda: waiting_for_locks(world) == 1)
            kill(process)
    assert world.status(customer) == "proposed"

    async with worker_process(world):  # its relay resends what nobody sends again here
        await all_done(world, customer)

    await effects_happened_once(world, customer)


async def test_sigterm_drains_the_work_under_way_and_exits_with_zero(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with worker_process(world) as process:
        await world.start(customer)
        world.sandbox.faults(latency_ms=700).raise_for_status()
        await world.approve(customer)
        await world.eventually(lambda: beat_of(world, customer, "push_netsuite") == "running")
        process.send_signal(signal.SIGTERM)

        assert await asyncio.to_thread(process.wait, 40) == 0

    assert beat_of(world, customer, "push_netsuite") == "done"
    assert len(world.sandbox.applied(customer)) == 1
