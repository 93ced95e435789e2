"""The same from the command line and over HTTP: what it says, and what it refuses."""

from collections.abc import Iterator

import httpx
import pytest

from credit.permissions import Role
from tests.admission.cli import Program, program, token
from tests.admission.conftest import desk
from tests.desk.server import DeskServer
from tests.drift.helpers import asked, check, listed, released, says, written
from tests.holds.helpers import in_force
from tests.world import World

__all__ = ["desk"]


@pytest.fixture
def hold(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Program]:
    with DeskServer(world.settings) as served:
        yield program(world, served.url, monkeypatch, capsys)


async def test_the_command_line_looks_repairs_and_accepts(world: World, hold: Program) -> None:
    customer = world.customer()
    await in_force(world, customer)
    none = await hold("drift", "repair", customer, "--reason", "ours")
    assert (none.code, "no difference of NetSuite is listed" in none.err) == (1, True)
    says(world, customer, "OFF")
    seen = await hold("drift", "check")
    assert "1 compared: 1 differ, 1 of them asked about now." in seen.err
    await asked(world, customer)
    decide = await hold("drift", "repair", customer, "--reason", "ours")
    assert (decide.code, "its hold is in force: approve or decline" in decide.err) == (1, True)
    await world.approve(customer)
    await world.eventually(lambda: written(world, customer) == ["ON", "ON"])
    name = world.show(customer)["id"]
    await released(world, customer)

    says(world, customer, "ON")
    assert (await hold("drift", "check", "--json")).json["differing"] == 1
    assert "repair or accept" in (await hold("drift")).out
    blank = await hold("drift", "repair", customer, "--reason", " ")
    assert (blank.code, "say why" in blank.err) == (1, True)
    assert (await hold("drift", "repair", customer, "--reason", "x", role=Role.REQUESTER)).code == 1
    repaired = await hold("drift", "repair", customer, "--reason", "set by mistake", "--json")
    assert repaired.json == {"id": name, "status": "repairing"}
    await world.eventually(lambda: written(world, customer)[2:] == ["AUTO", "AUTO"])
    await world.eventually(lambda: world.show(name)["release_beats"][-1]["status"] == "done")
    says(world, customer, "OFF")
    await check(world)
    accepted = await hold("drift", "accept", customer, "--reason", "their wish")
    assert "not listed again" in accepted.err
    assert listed(world, customer) == []


async def test_the_command_line_adopts(world: World, hold: Program) -> None:
    customer = world.customer()
    says(world, customer, "ON")
    world.sandbox.seed([{"id": "N-stranger", "creditHoldOverride": "ON"}]).raise_for_status()
    assert "ON in NetSuite without a hold here" in (await hold("drift", "check")).err
    rows = {row["netsuite_id"]: row for row in (await hold("drift", "list", "--json")).json["drift"]}
    assert rows[f"N-{customer}"]["mend"] == "adopt"
    assert rows["N-stranger"]["mend"] == "import, then adopt"
    on = await hold("drift", "adopt", customer, "--prior", "ON", "--reason", "since spring")
    assert (on.code, "give AUTO, or OFF" in on.err) == (1, True)
    adopted = await hold("drift", "adopt", customer, "--reason", "since spring", role=Role.REQUESTER)
    assert (adopted.code, f"hold approve {customer}" in adopted.err) == (0, True)
    assert world.status(customer) == "proposed"


async def test_http(world: World, desk: httpx.AsyncClient) -> None:
    customer = world.customer()
    says(world, customer, "ON")
    may = {"Authorization": f"Bearer {token(world, Role.REQUESTER)}"}
    may_not = {"Authorization": f"Bearer {token(world, Role.VIEWER)}"}
    path = f"/api/drift/{customer}"
    for where in ("/api/drift/check", f"{path}/adopt", f"{path}/repair", f"{path}/accept"):
        assert (await desk.post(where, json={"reason": "x"}, headers=may_not)).status_code == 403
    assert (await desk.post("/api/drift/check", headers=may)).json()["unheld"] >= 1
    found = (await desk.get("/api/drift", headers=may_not)).json()["drift"]
    assert customer in [row["customer_id"] for row in found]
    for wrong in ({}, {"reason": " "}, {"reason": "x", "prior": "MAYBE"}, {"reason": "x", "prior": "ON"}):
        assert (await desk.post(f"{path}/adopt", json=wrong, headers=may)).status_code == 422, wrong
    made = await desk.post(f"{path}/adopt", json={"reason": "since spring"}, headers=may)
    assert (made.status_code, made.json()["status"]) == (202, "proposed")
    again = await desk.post(f"{path}/adopt", json={"reason": "since spring"}, headers=may)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_adopt")
    admin = {"Authorization": f"Bearer {token(world, Role.ADMIN)}"}
    answer = await desk.post(f"{path}/repair", json={"reason": "x"}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_repair")
