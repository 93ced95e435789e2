"""`Idempotency-Key`: one request under one key is done once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from credit.permissions import Role
from db.engine import transaction
from db.models import HoldTrigger, IdempotencyKey, Order
from services.freight import operations
from tests.desk.api.helpers import claimed, refused
from tests.desk.server import DeskServer
from tests.holds.helpers import rows, workers
from tests.world import World

if TYPE_CHECKING:
    import httpx


def aged(world: World, by: timedelta, **values: object) -> None:
    """Let every key be older than it is."""
    with transaction(world.engine) as session:
        session.execute(update(IdempotencyKey).values(created_at=datetime.now(UTC) - by, **values))


def triggers(world: World) -> int:
    with transaction(world.engine) as session:
        return session.scalar(select(func.count()).select_from(HoldTrigger)) or 0


async def test_repeated_request_gets_the_first_answer(desk: DeskServer, world: World) -> None:
    api = desk.client(Role.REQUESTER)
    body = {"customer_id": world.customer(), "reason": "x"}
    first = await api.post("/api/holds", json=body, headers={"Idempotency-Key": "a"})
    again = await api.post("/api/holds", json=body, headers={"Idempotency-Key": "a"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotent-replay"), again.headers["idempotent-replay"]) == (None, "true")
    assert triggers(world) == 1
    other = await api.post("/api/holds", json=body, headers={"Idempotency-Key": "b"})
    assert other.status_code == 200
    assert triggers(world) == 2


async def test_replayed_decision_is_answered_as_at_first(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    api = desk.client()
    body = {**await claimed(api, customer), "decision": "decline", "reason": "paid"}
    url = f"/api/holds/{customer}/decision"
    first = await api.post(url, json=body, headers={"Idempotency-Key": "k"})
    replayed = await api.post(url, json=body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, replayed.status_code, replayed.json()) == (202, 202, first.json())
    refused(await api.post(url, json=body), 409, "nothing_to_decide")


async def test_refusal_is_an_answer_too(desk: DeskServer, idle_world: World) -> None:
    api = desk.client()
    for replay in (None, "true"):
        answer = await api.post("/api/holds/nobody/claim", headers={"Idempotency-Key": "k"})
        refused(answer, 404, "unknown_hold")
        assert answer.headers.get("idempotent-replay") == replay


async def test_key_of_another_request_is_refused(desk: DeskServer, world: World) -> None:
    api = desk.client(Role.REQUESTER)
    body = {"customer_id": world.customer(), "reason": "x"}
    await api.post("/api/holds", json=body, headers={"Idempotency-Key": "a"})
    other = await api.post("/api/holds", json=body | {"reason": "y"}, headers={"Idempotency-Key": "a"})
    refused(other, 422, "idempotency_mismatch")
    refused(await api.post("/api/ar-aging/run", headers={"Idempotency-Key": "a"}), 422, "idempotency_mismatch")
    somebody = await desk.client(Role.REQUESTER).post("/api/holds", json=body, headers={"Idempotency-Key": "a"})
    assert somebody.status_code == 200, "another caller's keys are another caller's"
    refused(await api.post("/api/holds", json=body, headers={"Idempotency-Key": "k" * 201}), 422, "bad_input")


async def test_equal_requests_at_once_are_done_once(desk: DeskServer, idle_world: World) -> None:
    api = desk.client(Role.REQUESTER)
    body = {"customer_id": idle_world.customer(), "reason": "x"}

    def send() -> "asyncio.Task[httpx.Response]":
        return asyncio.create_task(api.post("/api/holds", json=body, headers={"Idempotency-Key": "a"}))

    first = send()  # waits for a worker
    await idle_world.eventually(lambda: rows(idle_world, select(IdempotencyKey)))
    for answer in await asyncio.gather(*(send() for _ in range(10))):
        refused(answer, 409, "request_under_way")
    async with workers(idle_world):
        assert (await first).status_code == 202
    answers = await asyncio.gather(*(send() for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {202: 10}
    assert triggers(idle_world) == 1


async def test_key_of_a_request_that_died_is_free_after_a_minute(desk: DeskServer, world: World) -> None:
    """And what the dead one had started is not started twice: the trigger's id follows from the key."""
    api = desk.client(Role.REQUESTER)
    body = {"customer_id": world.customer(), "reason": "x"}
    headers = {"Idempotency-Key": "a"}
    first = await api.post("/api/holds", json=body, headers=headers)

    aged(world, timedelta(seconds=50), status=None)  # as if the desk had died before it kept the answer
    refused(await api.post("/api/holds", json=body, headers=headers), 409, "request_under_way")
    aged(world, timedelta(seconds=61))
    again = await api.post("/api/holds", json=body, headers=headers)

    assert again.json() == first.json()
    assert "idempotent-replay" not in again.headers
    assert triggers(world) == 1


def an_order(world: World) -> dict[str, Any]:
    line = {"description": "Pallets", "quantity": "2", "unit_price": "365.00"}
    return {"customer_id": world.customer(in_netsuite=False), "lines": [line]}


async def test_what_was_written_is_not_written_again_though_the_desk_died_before_it_answered(
    desk: DeskServer, idle_world: World
) -> None:
    """An order has no id of the sender's: what says that it was taken is committed with it."""
    api = desk.client(Role.REQUESTER)
    body = an_order(idle_world)
    headers = {"Idempotency-Key": "a"}
    assert (await api.post("/api/orders", json=body, headers=headers)).status_code == 201

    aged(idle_world, timedelta(seconds=61), status=None)  # as if the desk had died before it kept the answer
    again = refused(await api.post("/api/orders", json=body, headers=headers), 409, "answer_lost")

    assert "look at what it did" in again["detail"]
    assert len(rows(idle_world, select(Order))) == 1
    assert (await api.post("/api/orders", json=body, headers={"Idempotency-Key": "b"})).status_code == 201


async def test_a_request_that_had_written_nothing_is_free_again(desk: DeskServer, idle_world: World) -> None:
    api = desk.client(Role.REQUESTER)
    body = an_order(idle_world)
    stuck = {"effect_at": None, "status": None}
    assert (await api.post("/api/orders", json=body, headers={"Idempotency-Key": "a"})).status_code == 201
    aged(idle_world, timedelta(seconds=61), **stuck)
    assert (await api.post("/api/orders", json=body, headers={"Idempotency-Key": "a"})).status_code == 201
    assert len(rows(idle_world, select(Order))) == 2


async def test_what_was_written_before_a_failure_is_not_written_again(
    desk: DeskServer, idle_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = desk.client(Role.REQUESTER)
    body = an_order(idle_world)
    headers = {"Idempotency-Key": "a"}

    async def fail(work: Awaitable[Any]) -> None:
        await work
        raise RuntimeError("after the commit")

    with monkeypatch.context() as broken:
        broken.setattr(operations, "_answered", fail)
        api.event_hooks = {}  # this answer is in no contract
        assert (await api.post("/api/orders", json=body, headers=headers)).status_code == 500
    refused(await api.post("/api/orders", json=body, headers=headers), 409, "answer_lost")
    assert len(rows(idle_world, select(Order))) == 1


async def test_failure_of_the_desk_is_not_kept(desk: DeskServer, idle_world: World) -> None:
    """Temporal has the trigger, and no worker: 503; later the same request goes through."""
    api = desk.client(Role.REQUESTER)
    body = {"customer_id": idle_world.customer(), "reason": "x"}
    headers = {"Idempotency-Key": "a"}
    away = await api.post("/api/holds", json=body, headers=headers)
    refused(away, 503, "no_worker")
    assert away.headers["retry-after"] == "5"
    assert rows(idle_world, select(IdempotencyKey)) == []
    async with workers(idle_world):
        assert (await api.post("/api/holds", json=body, headers=headers)).status_code == 202
    assert triggers(idle_world) == 1


async def test_keys_are_forgotten_after_a_day(desk: DeskServer, idle_world: World) -> None:
    api = desk.client()
    for key in ("a", "b"):
        await api.post("/api/holds/nobody/claim", headers={"Idempotency-Key": key})
    aged(idle_world, timedelta(hours=24, seconds=1))
    again = await api.post("/api/holds/nobody/claim", headers={"Idempotency-Key": "a"})
    assert "idempotent-replay" not in again.headers
    assert [row.key for row in rows(idle_world, select(IdempotencyKey))] == ["a"]
