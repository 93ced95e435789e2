"""Holds over HTTP: every route, and every way it refuses."""

from datetime import timedelta

from sqlalchemy import select

from credit.permissions import Role
from db.models import AuditEvent, Decision
from tests.desk.api.helpers import claimed, refused
from tests.desk.server import DeskServer
from tests.holds.helpers import events, in_force, rows
from tests.world import World


async def test_start_proposes_and_a_second_start_adds_evidence(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    api = desk.client(Role.REQUESTER, "rosa")

    first = await api.post("/api/holds", json={"customer_id": customer, "reason": "their bank called"})
    again = await api.post("/api/holds", json={"customer_id": customer, "trigger": "manual", "reason": "and again"})

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.headers["location"] == f"/api/holds/{first.json()['id']}"
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    assert again.json()["id"] == first.json()["id"]
    shown = (await api.get(first.headers["location"])).json()
    assert [(one["actor"], one["reason"]) for one in shown["evidence"]] == [
        ("rosa", "their bank called"),
        ("rosa", "and again"),
    ]


async def test_start_is_refused_with_what_to_do(desk: DeskServer, idle_world: World) -> None:
    api = desk.client(Role.REQUESTER)
    customer = idle_world.customer()
    body = {"customer_id": customer, "reason": "x"}
    refused(await api.post("/api/holds", json=body | {"customer_id": "nobody"}), 404, "unknown_customer")
    automatic = await api.post("/api/holds", json=body | {"trigger": "ar_aging_tick_threshold"})
    assert "only `manual`" in str(refused(automatic, 422, "bad_input")["detail"])
    refused(await api.post("/api/holds", json=body | {"reason": "  "}), 422, "bad_input")
    refused(await api.post("/api/holds", json=body | {"reason": "nul \x00"}), 422, "bad_input")
    refused(await api.post("/api/holds", json=body | {"odd": 1}), 422, "bad_input")
    refused(await desk.client(Role.VIEWER).post("/api/holds", json=body), 403, "not_allowed")
    refused(await desk.anyone().post("/api/holds", json=body), 401, "not_signed_in")


async def test_list_goes_on_by_cursor_and_misses_nothing(desk: DeskServer, world: World) -> None:
    started = [str((await world.start(world.customer())).hold_id) for _ in range(5)]
    api = desk.client(Role.VIEWER)

    first = await api.get("/api/holds", params={"limit": 2})
    second = await api.get(first.headers["link"].split(">")[0].strip("<"))
    third = await api.get("/api/holds", params={"limit": 2, "cursor": second.json()["next_cursor"]})

    pages = [[hold["id"] for hold in page.json()["holds"]] for page in (first, second, third)]
    assert pages == [started[:2], started[2:4], started[4:]]
    assert third.json()["next_cursor"] is None
    assert "link" not in third.headers
    assert [hold["id"] for hold in (await api.get("/api/holds?status=proposed")).json()["holds"]] == started
    assert (await api.get("/api/holds?status=declined")).json() == {"holds": [], "unreadable": [], "next_cursor": None}
    same = await api.get("/api/holds", params={"limit": 2}, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    for bad in ("status=odd", "limit=0", "limit=501", "cursor=odd", "cursor=WzFd"):
        refused(await api.get(f"/api/holds?{bad}"), 422, "bad_input")


async def test_show_carries_the_revision_as_etag(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    started = await world.start(customer)
    api = desk.client(Role.VIEWER)
    for name in (customer, str(started.hold_id)):
        shown = await api.get(f"/api/holds/{name}")
        assert (shown.status_code, shown.headers["etag"]) == (200, '"1"')
        assert shown.json()["id"] == str(started.hold_id)
    refused(await api.get("/api/holds/nobody"), 404, "unknown_hold")


async def test_claim_is_one_persons_until_released(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    mike, nina = desk.client(name="mike"), desk.client(name="nina")

    first = (await mike.post(f"/api/holds/{customer}/claim")).json()
    renewed = (await mike.post(f"/api/holds/{customer}/claim")).json()
    problem = refused(await nina.post(f"/api/holds/{customer}/claim"), 409, "claimed_by_another")

    assert renewed["claim"] == first["claim"]
    assert renewed["expires_at"] > first["expires_at"]
    assert (problem["claimed_by"], problem["claimed_until"]) == ("mike", renewed["expires_at"])
    assert (await nina.delete(f"/api/holds/{customer}/claim/{first['claim']}")).status_code == 204
    refused(await nina.post(f"/api/holds/{customer}/claim"), 409, "claimed_by_another")
    assert (await mike.delete(f"/api/holds/{customer}/claim/{first['claim']}")).status_code == 204
    assert (await nina.post(f"/api/holds/{customer}/claim")).status_code == 201
    refused(await desk.client(Role.REQUESTER).post(f"/api/holds/{customer}/claim"), 403, "not_allowed")
    refused(await mike.delete(f"/api/holds/{customer}/claim/odd"), 422, "bad_input")


async def test_approved_hold_comes_into_force(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    started = await world.start(customer)
    api = desk.client(name="mike")
    decision = {**await claimed(api, customer), "decision": "approve", "reason": "agreed"}

    answer = await api.post(f"/api/holds/{customer}/decision", json=decision)

    assert answer.status_code == 202, answer.text
    [row] = rows(world, select(Decision))
    assert answer.json() == {
        "id": str(started.hold_id),
        "decision_id": str(row.id),
        "status": "approved",
        "delivered": True,
    }
    assert (row.actor, row.reason) == ("mike", "agreed")
    await world.in_status(customer, "in_force")
    again = refused(await api.post(f"/api/holds/{customer}/decision", json=decision), 409, "nothing_to_decide")
    assert "approved already" in str(again["detail"])
    assert len(rows(world, select(Decision))) == 1


async def test_declined_hold_says_whether_the_block_stays(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    api = desk.client()
    body = {**await claimed(api, customer), "decision": "decline", "reason": "paid", "keep_block": False}
    assert (await api.post(f"/api/holds/{customer}/decision", json=body)).json()["status"] == "declined"
    [row] = rows(world, select(Decision))
    assert row.keep_block is False
    await world.in_status(customer, "declined")


async def test_stale_revision_is_refused_by_body_and_by_if_match(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    api = desk.client()
    body = {"claim": (await claimed(api, customer))["claim"], "decision": "approve", "reason": "agreed"}
    url = f"/api/holds/{customer}/decision"

    by_body = refused(await api.post(url, json=body | {"revision": 7}), 409, "stale_revision")
    by_header = refused(await api.post(url, json=body, headers={"If-Match": '"7"'}), 412, "stale_revision")

    assert (by_body["shown"], by_body["current"], by_header["current"]) == (7, 1, 1)
    refused(await api.post(url, json=body), 422, "bad_input")
    refused(await api.post(url, json=body | {"revision": 2}, headers={"If-Match": '"1"'}), 422, "bad_input")
    refused(await api.post(url, json=body, headers={"If-Match": '"one"'}), 422, "bad_input")
    assert rows(world, select(Decision)) == []
    assert (await api.post(url, json=body, headers={"If-Match": '"1"'})).status_code == 202


async def test_own_hold_may_not_be_approved_where_the_policy_bars_it(desk: DeskServer, world: World) -> None:
    world.set_policy(bar_self_approval=True)
    customer = world.customer()
    api = desk.client(name="mike")
    await api.post("/api/holds", json={"customer_id": customer, "reason": "mine"})
    body = {**await claimed(api, customer), "decision": "approve", "reason": "mine too"}
    refused(await api.post(f"/api/holds/{customer}/decision", json=body), 403, "self_approval")
    refusals = [event.detail["code"] for event in events(world, "system", "request_refused")]
    assert refusals == ["self_approval"]


async def test_two_approvals_above_the_amount(desk: DeskServer, world: World) -> None:
    world.set_policy(second_approver_above="1000")
    customer = world.customer()
    await world.start(customer)
    mike, nina = desk.client(name="mike"), desk.client(name="nina")
    url = f"/api/holds/{customer}/decision"
    first = await mike.post(url, json={**await claimed(mike, customer), "decision": "approve", "reason": "yes"})
    assert (first.status_code, first.json()["status"]) == (202, "awaiting_second_approver")
    assert first.json()["decision_id"] is None
    second = await mike.post(url, json={**await claimed(mike, customer), "decision": "approve", "reason": "yes!"})
    refused(second, 409, "second_approver_needed")
    await mike.delete(f"/api/holds/{customer}/claim/{(await claimed(mike, customer))['claim']}")
    last = await nina.post(url, json={**await claimed(nina, customer), "decision": "approve", "reason": "me too"})
    assert (last.status_code, last.json()["status"]) == (202, "approved")


async def test_approval_is_undone_within_its_window(desk: DeskServer, world: World) -> None:
    world.set_policy(approval_undo=timedelta(minutes=5))
    customer = world.customer()
    await world.start(customer)
    api = desk.client()
    await api.post(
        f"/api/holds/{customer}/decision", json={**await claimed(api, customer), "decision": "approve", "reason": "y"}
    )

    undone = await api.post(f"/api/holds/{customer}/undo", json={"reason": "wrong customer"})

    assert (undone.status_code, undone.json()["status"], undone.json()["revision"]) == (200, "proposed", 2)
    again = await api.post(f"/api/holds/{customer}/undo", json={"reason": "again"})
    refused(again, 409, "nothing_to_decide")
    refused(await api.post(f"/api/holds/{customer}/undo", json={}), 422, "bad_input")
    assert world.customer_row(customer).entitystatus == "active"


async def test_beat_is_retried_after_its_fault_is_mended(desk: DeskServer, world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await world.approve(customer)
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    api = desk.client()
    url = f"/api/holds/{customer}/beats"
    refused(await api.post(f"{url}/flag_customer/retry", json={"reason": "x"}), 409, "nothing_to_decide")
    refused(await api.post(f"{url}/odd/retry", json={"reason": "x"}), 422, "bad_input")
    refused(await api.post("/api/holds/nobody/beats/push_netsuite/retry", json={"reason": "x"}), 404, "unknown_hold")
    refused(await desk.client(Role.REQUESTER).post(f"{url}/retry", json={"reason": "x"}), 403, "not_allowed")
    record = {"id": f"N-{customer}", "externalId": customer, "companyName": customer, "creditHoldOverride": "AUTO"}
    world.sandbox.seed([record]).raise_for_status()

    answer = await api.post(f"{url}/push_netsuite/retry", json={"reason": "it exists now"})

    assert (answer.status_code, answer.json()["beats"]) == (202, ["push_netsuite"])
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "done")
    refused(await api.post(f"{url}/retry", json={"reason": "x"}), 409, "nothing_to_decide")


async def test_push_is_retried_by_the_specs_own_route(desk: DeskServer, world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await world.approve(customer)
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    api = desk.client()
    answer = await api.post("/admin/ns-push/retry", json={"customer_id": customer})
    assert (answer.status_code, answer.json()["beats"]) == (202, ["push_netsuite"])
    refused(await api.post("/admin/ns-push/retry", json={"customer_id": "nobody"}), 404, "unknown_hold")
    refused(
        await desk.client(Role.VIEWER).post("/admin/ns-push/retry", json={"customer_id": customer}), 403, "not_allowed"
    )


async def test_refusals_leave_audit_rows_with_the_caller(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    await desk.client(Role.VIEWER, "vera").post(f"/api/holds/{customer}/claim")
    await desk.anyone({"Authorization": "Bearer forged"}).post(f"/api/holds/{customer}/claim")
    found: list[AuditEvent] = events(world, "system", "request_refused")
    assert [(one.actor, one.detail["code"], one.detail["path"]) for one in found] == [
        ("vera", "not_allowed", f"/api/holds/{customer}/claim"),
        ("unknown", "unknown_token", f"/api/holds/{customer}/claim"),
    ]
