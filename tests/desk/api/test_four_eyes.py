"""Four eyes are two people's, by however many tokens either calls."""

from typing import Any

import httpx
import pytest

from credit.permissions import Role
from tests.acting import bearer
from tests.desk.api.helpers import claimed, refused
from tests.desk.server import DeskServer
from tests.world import World


@pytest.fixture
def callers(desk: DeskServer, world: World) -> dict[str, httpx.AsyncClient]:
    """Ann, her other token, and Bob."""
    ann, bob = (desk.client(Role.APPROVER, name) for name in ("ann", "bob"))
    other = desk.anyone(bearer(world.engine, "Ann's laptop", Role.APPROVER, owner="ann"))
    return {"ann": ann, "laptop": other, "bob": bob}


async def approve(api: httpx.AsyncClient, name: str, **how: Any) -> httpx.Response:
    order = {**await claimed(api, name), "decision": "approve", "reason": "as discussed", **how}
    return await api.post(f"/api/holds/{name}/decision", json=order)


async def test_one_person_by_two_tokens_is_one(callers: dict[str, httpx.AsyncClient], world: World) -> None:
    ann, laptop, bob = callers["ann"], callers["laptop"], callers["bob"]
    world.set_policy(bar_self_approval=True)
    customer = world.customer()
    started = await ann.post("/api/holds", json={"customer_id": customer, "trigger": "manual", "reason": "a rumour"})
    assert started.is_success
    refused(await approve(laptop, customer), 403, "self_approval")
    refused(await bob.post(f"/api/holds/{customer}/claim"), 409, "claimed_by_another")
    claim = (await claimed(ann, customer))["claim"]  # what one token claimed the other has
    assert (await laptop.delete(f"/api/holds/{customer}/claim/{claim}")).is_success
    assert (await approve(bob, customer)).status_code == 202
    await world.in_status(customer, "in_force")
    asked = await laptop.post(f"/api/holds/{customer}/release", json={"reason": "all paid"})
    assert asked.status_code == 202
    refused(await approve(ann, customer), 403, "self_approval")


async def test_the_second_approval_is_another_person_s_and_no_service_s(
    callers: dict[str, httpx.AsyncClient], desk: DeskServer, world: World
) -> None:
    world.set_policy(second_approver_above=1000)
    robot = desk.anyone(bearer(world.engine, "robot", Role.APPROVER, service=True))
    customer = world.customer()
    await world.start(customer)
    assert (await approve(callers["ann"], customer)).status_code == 202
    refused(await approve(callers["laptop"], customer), 409, "second_approver_needed")
    refused(await robot.post(f"/api/holds/{customer}/claim"), 403, "person_needed")
    assert world.status(customer) == "proposed"
