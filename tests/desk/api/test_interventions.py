"""Releases asked for, and beats skipped and cancelled: over HTTP, and from the command line either way."""

import httpx
import pytest

from credit.permissions import Role
from credit.states import Beat
from tests.desk.api.helpers import claimed, refused
from tests.desk.api.test_cli import REFUSED, USAGE, Hold
from tests.desk.server import DeskServer
from tests.holds.helpers import in_force, knows
from tests.world import World

WHY = {"reason": "agreed by phone"}
PUSH = "beats/push_netsuite"


@pytest.fixture
async def stuck(world: World) -> str:
    """A customer in force whose NetSuite record is not there: the push waits for a person."""
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    return customer


async def test_a_release_is_proposed_and_decided_like_a_hold(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    hold_id = world.show(customer)["id"]
    requester, approver = desk.client(Role.REQUESTER), desk.client(Role.APPROVER)
    once = {"Idempotency-Key": "r1"}

    answer = await requester.post(f"/api/holds/{customer}/release", json=WHY, headers=once)

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/holds/{hold_id}"
    proposed = answer.json()
    assert (proposed["id"], proposed["status"], proposed["revision"]) == (hold_id, "in_force", 2)
    assert (proposed["proposal"]["kind"], proposed["proposal"]["status"]) == ("release", "open")
    again = await requester.post(f"/api/holds/{customer}/release", json=WHY, headers=once)
    assert again.json() == proposed
    assert world.audit(customer).count("release_requested") == 1
    order = {**await claimed(approver, customer), "decision": "approve", "reason": "paid"}
    assert (await approver.post(f"/api/holds/{hold_id}/decision", json=order)).status_code == 202
    await world.in_status(hold_id, "released")
    refused(await requester.post(f"/api/holds/{hold_id}/release", json=WHY), 409, "nothing_to_release")


async def test_a_release_that_cannot_be_asked_for_is_refused(desk: DeskServer, world: World) -> None:
    requester = desk.client(Role.REQUESTER)
    customer = world.customer()
    await world.start(customer)
    path = f"/api/holds/{customer}/release"
    refused(await requester.post(path, json=WHY), 409, "nothing_to_release")
    refused(await requester.post("/api/holds/nobody/release", json=WHY), 404, "unknown_hold")
    refused(await requester.post(path, json={}), 422, "bad_input")
    refused(await requester.post(path, json={"reason": " "}), 422, "bad_input")
    refused(await requester.post(path, json={**WHY, "force": True}), 422, "bad_input")
    refused(await desk.client(Role.VIEWER).post(path, json=WHY), 403, "not_allowed")
    refused(await desk.anyone().post(path, json=WHY), 401, "not_signed_in")
    assert "release_requested" not in world.audit(customer)


async def test_a_beat_is_cancelled_retried_and_skipped(desk: DeskServer, world: World, stuck: str) -> None:
    api = desk.client(Role.APPROVER, "mike")
    cancelled = await api.post(f"/api/holds/{stuck}/{PUSH}/cancel", json=WHY)
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "needs_attention")
    assert world.beat(stuck, "push_netsuite")["last_error"] == "cancelled by mike: agreed by phone"
    retried = await api.post("/admin/ns-push/retry", json={"customer_id": stuck})
    assert (retried.status_code, retried.json()["beats"]) == (202, ["push_netsuite"])

    once = {"Idempotency-Key": "s1"}
    answers = [await api.post(f"/api/holds/{stuck}/{PUSH}/skip", json=WHY, headers=once) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["status"] == "skipped"
    assert world.beat(stuck, "push_netsuite")["last_error"] == "skipped by mike: agreed by phone"
    assert world.audit(stuck).count("beat_skipped") == 1
    await knows(world, stuck, lambda state: state.beats[Beat.PUSH_NETSUITE].status == "skipped")
    for what in ("retry", "skip", "cancel"):
        refused(await api.post(f"/api/holds/{stuck}/{PUSH}/{what}", json=WHY), 409, "nothing_to_decide")
    refused(await api.post("/admin/ns-push/retry", json={"customer_id": stuck}), 409, "nothing_to_decide")


async def test_only_who_may_mend_and_says_why_skips_or_cancels(desk: DeskServer, world: World, stuck: str) -> None:
    async def attempt(api: httpx.AsyncClient, what: str, hold: str = stuck, **body: str) -> httpx.Response:
        return await api.post(f"/api/holds/{hold}/{what}", json=body)

    approver, requester = desk.client(Role.APPROVER), desk.client(Role.REQUESTER)
    for what in (f"{PUSH}/skip", f"{PUSH}/cancel"):
        refused(await attempt(requester, what, **WHY), 403, "not_allowed")
        refused(await attempt(approver, what), 422, "bad_input")
        refused(await attempt(approver, what, hold="nobody", **WHY), 404, "unknown_hold")
    refused(await attempt(approver, "beats/dance/skip", **WHY), 422, "bad_input")
    refused(await attempt(approver, "beats/restore_netsuite/skip", **WHY), 409, "nothing_to_decide")
    assert world.beat(stuck, "push_netsuite")["status"] == "needs_attention"


async def test_the_due_date_is_in_every_list(desk: DeskServer, world: World) -> None:
    api, customer = desk.client(Role.VIEWER), world.customer(in_netsuite=False)
    await world.start(customer)
    [row] = (await api.get("/api/holds")).json()["holds"]
    whole = (await api.get(f"/api/holds/{customer}")).json()
    assert row["due_at"] == whole["due_at"] == whole["proposal"]["due_at"]
    proposal = whole["proposal"]
    assert proposal["opened_at"] < proposal["remind_at"] < proposal["escalate_at"] < proposal["due_at"]
    await world.decline(customer)
    await world.in_status(customer, "declined")
    assert (await api.get(f"/api/holds/{customer}")).json()["due_at"] is None


async def test_from_the_command_line(desk: DeskServer, world: World, stuck: str) -> None:
    hold = Hold(desk, desk.token("mike", Role.APPROVER))
    beat = ("--beat", "push_netsuite")
    cancelled = await hold.json("cancel", stuck, *beat, "--reason", "their migration")
    assert (cancelled["beat"], cancelled["status"]) == ("push_netsuite", "needs_attention")
    assert "Skipped: push_netsuite" in await hold("skip", stuck, *beat, "--reason", "set by hand")
    assert "not unfinished" in await hold("cancel", stuck, *beat, "--reason", "x", code=REFUSED)
    assert "--beat" in await hold("skip", stuck, "--reason", "x", code=USAGE)
    assert "say why" in await hold("skip", stuck, *beat, "--reason", " ", code=USAGE)

    released = await hold.json("release", stuck, "--reason", "they paid")
    assert (released["status"], released["revision"], released["proposal"]["kind"]) == ("in_force", 2, "release")
    assert "waits for an approver" in await hold("release", stuck, "--reason", "they paid again")
    assert "say why" in await hold("release", stuck, code=USAGE)
    proposed = world.customer(in_netsuite=False)
    await world.start(proposed)
    assert "no hold to release" in await hold("release", proposed, "--reason", "x", code=REFUSED)
    viewer = Hold(desk, desk.token("vera", Role.VIEWER))
    for command in (("release", stuck), ("skip", stuck, *beat), ("cancel", stuck, *beat)):
        assert "vera is viewer" in await viewer(*command, "--reason", "x", code=REFUSED)
