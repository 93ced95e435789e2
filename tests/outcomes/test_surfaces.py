"""The same over the command line and over HTTP: what it says, and whom it refuses."""

import httpx

from credit.permissions import Role
from tests.admission.cli import Program, token
from tests.admission.conftest import desk, hold
from tests.holds.helpers import in_force
from tests.outcomes.events import today
from tests.world import World

__all__ = ["desk", "hold"]


async def test_the_command_line(world: World, hold: Program) -> None:
    customer = world.customer()
    await in_force(world, customer)
    end = today(9).isoformat()

    assert (await hold("dates", customer, "--end", end, "--reason", "agreed", "--json")).json["end_date"] == end
    assert (await hold("dates", customer, "--end", "none", "--reason", "no more", "--json")).json["end_date"] is None
    assert (await hold("dates", customer, "--end", "soon", "--reason", "x")).code == 2
    given = await hold("exception", "add", customer, "--order", "SO-9", "--until", end, "--reason", "paid", "--json")
    assert (await hold("exception", "list", customer, "--json")).json["exceptions"] == [given.json]
    both = await hold("exception", "add", customer, "--order", "1", "--load", "2", "--until", end, "--reason", "x")
    assert both.code == 2
    assert (await hold("dates", customer, "--review", end, "--reason", "look again")).code == 0
    shown = " ".join((await hold("show", customer)).out.split())
    for words in (
        "Trigger by hand",
        "Set NetSuite’s credit hold done",
        f"Review {end}",
        f"Let through order SO-9 until {end}, a-admin: paid",
    ):
        assert words in shown
    ended = await hold("exception", "end", customer, given.json["id"], "--reason", "cancelled", "--json")
    assert ended.json["ended_by"] == "a-admin"
    assert "Let through" not in (await hold("show", customer)).out
    assert (await hold("override", customer, "--reason", "a deal", "--yes", role=Role.REQUESTER)).code == 1
    name = world.show(customer)["id"]
    assert (await hold("override", customer, "--reason", "a deal", "--yes", role=Role.APPROVER)).code == 0
    shown = await world.shown_in_status(name, "released")
    assert shown["outcomes"][-1]["who"] == "a-approver"


async def test_http(world: World, desk: httpx.AsyncClient) -> None:
    customer = world.customer()
    await in_force(world, customer)
    path, end = f"/api/holds/{customer}", today(9).isoformat()
    may = {"Authorization": f"Bearer {token(world, Role.APPROVER)}"}
    may_not = {"Authorization": f"Bearer {token(world, Role.REQUESTER)}"}
    wanted = {"scope": "load", "reference": "L-1", "until": end, "reason": "on the road"}

    for method, where, body in (
        ("PUT", "dates", {"end_date": end, "reason": "agreed"}),
        ("POST", "override", {"reason": "a deal"}),
        ("POST", "exceptions", wanted),
    ):
        assert (await desk.request(method, f"{path}/{where}", json=body, headers=may_not)).status_code == 403
        assert (await desk.request(method, f"{path}/{where}", json={}, headers=may)).status_code == 422
    answer = await desk.put(f"{path}/dates", json={"review_date": end, "reason": "agreed"}, headers=may)
    assert (answer.json()["review_date"], answer.json()["end_date"]) == (end, None)
    made = (await desk.post(f"{path}/exceptions", json=wanted, headers=may)).json()
    assert (await desk.get(f"{path}/exceptions", headers=may_not)).json() == {"exceptions": [made]}
    gone = await desk.delete(f"{path}/exceptions/{made['id']}", params={"reason": "cancelled"}, headers=may)
    assert gone.json()["end_reason"] == "cancelled"
    name = world.show(customer)["id"]
    assert (await desk.post(f"{path}/override", json={"reason": "a deal"}, headers=may)).json()["status"] == "approved"
    await world.in_status(name, "released")
    late = await desk.put(f"{path}/dates", json={"end_date": None, "reason": "x"}, headers=may)
    assert (late.status_code, late.json()["code"]) == (409, "not_in_force")
