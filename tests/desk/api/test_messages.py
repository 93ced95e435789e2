"""Drafted messages over HTTP: read, edited, approved as shown, recalled, discarded."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from credit.permissions import Role
from tests.desk.api.helpers import claimed, refused
from tests.desk.server import DeskServer
from tests.holds.helpers import in_force
from tests.world import World


@pytest.fixture
async def notice(world: World) -> str:
    """The customer's notice of a hold in force, which waits an hour once it is approved."""
    world.set_policy(notice_cooling_off=timedelta(hours=1))
    customer = world.customer()
    await in_force(world, customer)
    [found] = [one for one in world.show(customer)["messages"] if one["kind"] == "customer_notice"]
    return str(found["id"])


def text(message: httpx.Response, **changes: object) -> dict[str, object]:
    document = message.json()
    return {name: document[name] for name in ("subject", "body", "recipient", "format")} | changes


async def test_message_is_edited_approved_and_recalled(desk: DeskServer, notice: str) -> None:
    editor, mike = desk.client(Role.REQUESTER, "rosa"), desk.client(name="mike")
    url = f"/api/messages/{notice}"
    shown = await editor.get(url)
    assert (shown.json()["status"], shown.headers["etag"]) == ("pending_review", '"1"')

    edited = await editor.put(url, json=text(shown, body="Please call us."), headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["etag"], edited.json()["body"]) == (200, '"2"', "Please call us.")
    assert [one["editor"] for one in edited.json()["revisions"]] == ["service-holds", "rosa"]

    body = {**await claimed(mike, notice, "messages"), "decision": "approve", "reason": "good"}
    approved = await mike.post(f"{url}/decision", json=body)
    assert (approved.status_code, approved.json()["status"]) == (202, "approved")
    assert (await mike.get(url)).json()["send_after"] == approved.json()["send_after"]
    refused(await mike.post(f"{url}/decision", json=body), 409, "message_closed")
    refused(await editor.put(url, json=text(shown, revision=2)), 409, "message_closed")

    recalled = await mike.post(f"{url}/recall", json={"reason": "wait"})
    assert (recalled.status_code, recalled.json()["status"]) == (200, "pending_review")
    refused(await mike.post(f"{url}/recall", json={"reason": "wait"}), 409, "message_closed")
    listed = (await mike.get("/api/messages?status=pending_review")).json()["messages"]
    assert notice in [one["id"] for one in listed]


async def test_stale_text_is_refused_with_the_difference(desk: DeskServer, notice: str) -> None:
    rosa, mike = desk.client(Role.REQUESTER, "rosa"), desk.client(name="mike")
    url = f"/api/messages/{notice}"
    shown = await mike.get(url)
    await rosa.put(url, json=text(shown, revision=1, subject="A kinder subject"))
    claim = await claimed(mike, notice, "messages")
    body = {"claim": claim["claim"], "decision": "approve", "reason": "as I read it"}

    stale = refused(await mike.post(f"{url}/decision", json=body | {"revision": 1}), 409, "stale_revision")
    matched = refused(await mike.post(f"{url}/decision", json=body, headers={"If-Match": '"1"'}), 412, "stale_revision")
    edit = refused(await mike.put(url, json=text(shown), headers={"If-Match": '"1"'}), 412, "stale_revision")

    for problem in (stale, matched, edit):
        assert (problem["shown"], problem["current"]) == (1, 2)
        lines = str(problem["difference"]).splitlines()
        assert "+Subject: A kinder subject" in lines
        assert f"-Subject: {shown.json()['subject']}" in lines
    assert (await mike.get(url)).json()["status"] == "pending_review"


async def test_message_is_discarded(desk: DeskServer, notice: str) -> None:
    api = desk.client()
    url = f"/api/messages/{notice}"
    body = {**await claimed(api, notice, "messages"), "decision": "decline", "reason": "we called instead"}
    discarded = await api.post(f"{url}/decision", json=body)
    assert (discarded.status_code, discarded.json()["status"]) == (202, "discarded")
    assert notice in [one["id"] for one in (await api.get("/api/messages?status=discarded")).json()["messages"]]


async def test_claims_of_messages(desk: DeskServer, notice: str) -> None:
    mike, nina = desk.client(name="mike"), desk.client(name="nina")
    url = f"/api/messages/{notice}"
    claim = (await mike.post(f"{url}/claim")).json()["claim"]
    assert refused(await nina.post(f"{url}/claim"), 409, "claimed_by_another")["claimed_by"] == "mike"
    assert (await mike.delete(f"{url}/claim/{claim}")).status_code == 204
    assert (await nina.post(f"{url}/claim")).status_code == 201


async def test_what_cannot_be_done_is_refused(desk: DeskServer, notice: str) -> None:
    api = desk.client()
    url, nobody = f"/api/messages/{notice}", f"/api/messages/{uuid4()}"
    why = {"reason": "x"}
    refused(await api.get(nobody), 404, "unknown_message")
    refused(await api.get("/api/messages/odd"), 422, "bad_input")
    refused(await api.post(f"{nobody}/claim"), 404, "unknown_message")
    refused(await api.post(f"{nobody}/recall", json=why), 404, "unknown_message")
    refused(await api.post(f"{url}/delivery", json={"arrived": True, **why}), 409, "message_closed")
    refused(await api.post(f"{url}/delivery/retry", json=why), 409, "message_closed")
    shown = await api.get(url)
    refused(await api.put(url, json=text(shown)), 422, "bad_input")
    refused(await api.put(url, json=text(shown, revision=1, subject="two\nlines")), 422, "bad_input")
    refused(await api.put(url, json=text(shown, revision=1, recipient="not an address")), 422, "bad_input")
    refused(await api.get("/api/messages?status=odd"), 422, "bad_input")
    first = (await api.get("/api/messages?limit=1")).json()
    second = (await api.get("/api/messages", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert len({first["messages"][0]["id"], second["messages"][0]["id"]}) == 2
    assert second["next_cursor"] is None
