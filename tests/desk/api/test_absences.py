"""Absences over HTTP and from the command line, and what a delegate may do through the desk."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from credit.permissions import Role
from tests.acting import bearer
from tests.desk.api.helpers import claimed, refused
from tests.desk.api.test_cli import REFUSED, USAGE, Hold
from tests.desk.server import DeskServer
from tests.holds.helpers import events
from tests.notifications.helpers import person
from tests.world import World


def absence(delegate: str = "dana", **more: Any) -> dict[str, Any]:
    ends = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    return {"delegate": delegate, "ends_at": ends, "reason": "holiday", **more}


async def test_a_viewer_decides_for_an_absent_approver_until_she_is_back(desk: DeskServer, world: World) -> None:
    for login, role in (("anna", "approver"), ("dana", "viewer")):
        person(world, login, role)
    anna, dana = desk.client(Role.APPROVER, "anna"), desk.client(Role.VIEWER, "dana")
    first, second = world.customer(in_netsuite=False), world.customer(in_netsuite=False)
    for customer in (first, second):
        await world.start(customer)
    refused(await dana.post(f"/api/holds/{first}/claim"), 403, "not_allowed")

    refused(await anna.post("/api/absences", json=absence()), 403, "lending_needs_admin")
    added = await desk.client(Role.ADMIN).post("/api/absences", json=absence(login="anna"))
    assert (added.status_code, added.json()["state"], added.json()["login"]) == (201, "lasting", "anna")
    assert "claim and decide" in (await dana.get("/api/me")).json()["permissions"]
    order = {**await claimed(dana, first), "decision": "decline", "reason": "they will pay"}
    assert (await dana.post(f"/api/holds/{first}/decision", json=order)).status_code == 202

    shown = await world.shown_in_status(first, "declined")
    decided = next(one for one in shown["timeline"] if one["what"] == "proposal_declined")
    assert (decided["who"], decided["on_behalf_of"]) == ("dana", ["anna"])
    refused(await dana.post("/api/holds", json={"customer_id": first, "reason": "x"}), 403, "not_allowed")

    ended = await anna.delete(f"/api/absences/{added.json()['id']}")
    assert (ended.status_code, ended.json()["state"]) == (200, "over")
    assert (await anna.delete(f"/api/absences/{added.json()['id']}")).json() == ended.json()
    refused(await dana.post(f"/api/holds/{second}/claim"), 403, "not_allowed")


async def test_absences_are_ones_own_or_an_admins_matter(desk: DeskServer, world: World) -> None:
    for login in ("anna", "dana", "bob"):
        person(world, login)
    anna, bob, ada = desk.client(Role.APPROVER, "anna"), desk.client(Role.APPROVER, "bob"), desk.client(Role.ADMIN)
    refused(await bob.post("/api/absences", json=absence(login="anna")), 403, "not_allowed")
    added = await ada.post("/api/absences", json=absence(login="Anna"))
    assert (added.status_code, added.json()["login"]) == (201, "anna")
    path = f"/api/absences/{added.json()['id']}"
    refused(await bob.delete(path), 403, "not_allowed")
    assert [one["id"] for one in (await bob.get("/api/absences")).json()["absences"]] == [added.json()["id"]]

    refused(await anna.post("/api/absences", json=absence("bob")), 409, "absent_already")
    refused(await anna.post("/api/absences", json=absence("anna")), 422, "bad_input")
    refused(await anna.post("/api/absences", json=absence("nobody")), 404, "unknown_user")
    robot = desk.anyone(bearer(world.engine, "robot", Role.ADMIN, service=True))
    refused(await robot.post("/api/absences", json=absence()), 404, "unknown_user")
    refused(await robot.post("/api/absences", json=absence(login="anna")), 403, "person_needed")
    refused(await anna.post("/api/absences", json=absence(ends_at="2027-03-01T00:00:00")), 422, "bad_input")
    refused(await anna.post("/api/absences", json=absence(reason=" ")), 422, "bad_input")
    refused(await anna.delete(f"/api/absences/{uuid4()}"), 404, "unknown_absence")
    refused(await desk.anyone().get("/api/absences"), 401, "not_signed_in")

    assert (await anna.delete(path)).status_code == 200
    assert (await anna.get("/api/absences")).json() == {"absences": []}
    assert len((await anna.get("/api/absences", params={"over": "true"})).json()["absences"]) == 1


async def test_a_repeated_request_adds_one_absence(desk: DeskServer, world: World) -> None:
    for login in ("anna", "dana"):
        person(world, login)
    anna, once = desk.client(Role.APPROVER, "anna"), {"Idempotency-Key": "k1"}
    order = absence()
    first = await anna.post("/api/absences", json=order, headers=once)
    again = await anna.post("/api/absences", json=order, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(events(world, "system", "absence_added")) == 1


async def test_absences_from_the_command_line(desk: DeskServer, world: World) -> None:
    for login in ("anna", "dana"):
        person(world, login, "requester" if login == "dana" else "approver")
    anna = Hold(desk, desk.token("anna", Role.APPROVER))
    dana = Hold(desk, desk.token("dana", Role.REQUESTER))
    day = datetime.now(UTC).date()
    add = ("absence", "add", "--delegate", "dana", "--from", str(day), "--until", str(day), "--reason")
    added = await anna.json(*add, "ill")
    assert added["starts_at"] == f"{day}T00:00:00Z"
    assert added["ends_at"] == f"{day + timedelta(days=1)}T00:00:00Z"
    assert [one["id"] for one in (await dana.json("absence", "list"))["absences"]] == [added["id"]]
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await dana("decline", customer, "--yes", "--reason", "in her name", "--revision", "1")
    assert "is absent" in await anna(*add, "again", code=REFUSED)
    assert "dana is requester" in await dana("absence", "end", added["id"], code=REFUSED)
    await anna("absence", "list")
    assert "not stand in" in await anna("absence", "end", added["id"])
    assert "Nobody is away" in await anna("absence", "list")
    assert (await anna.json("absence", "list", "--all"))["absences"][0]["state"] == "over"
    assert "neither a day" in await anna("absence", "add", *add[2:-2], "soon", "--reason", "x", code=USAGE)
    assert "say why" in await anna(*add, " ", code=USAGE)
    assert "--delegate" in await anna("absence", "add", "--until", str(day), "--reason", "x", code=USAGE)
