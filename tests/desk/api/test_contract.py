"""The OpenAPI document is valid, and every route it describes answers as described: once well, once badly.

`DeskServer.client` holds every answer of every test against the document; this test makes sure that none is left out.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from openapi_spec_validator import validate

from credit.permissions import Role
from credit.templates import CUSTOMER_NOTICE
from desk.api.routes import ROUTERS
from services import schedules
from tests.desk.api.helpers import claimed
from tests.desk.server import DeskServer
from tests.holds.helpers import all_done
from tests.notifications.helpers import person
from tests.world import World

_DELIVERY = {"/api/messages/{message_id}/delivery", "/api/messages/{message_id}/delivery/retry"}
"""They go well only after the mail server failed: `tests/messages` does that."""


def described() -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if route.include_in_schema and not route.path.startswith("/api/audit")  # held against it by its own tests
        for method in route.methods
    }


def test_document_is_valid_and_has_examples(desk: DeskServer) -> None:
    document = desk.contract.document
    validate(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if (method.upper(), path) not in described():
                continue
            assert operation["security"] == [{"HTTPBearer": []}], path
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    name = content["schema"]["$ref"].rpartition("/")[2]
                    assert document["components"]["schemas"][name].get("examples"), f"{method} {path} {status}: {name}"
                    assert kind == ("application/json" if status < "400" else "application/problem+json")


async def skip_a_beat(api: httpx.AsyncClient, world: World) -> None:
    stuck = world.customer(in_netsuite=False)
    await world.start(stuck)
    await world.approve(stuck)
    await world.eventually(lambda: world.beat(stuck, "push_netsuite")["status"] == "needs_attention")
    await api.post(f"/api/holds/{stuck}/beats/push_netsuite/skip", json={"reason": "x"})


async def stand_in(api: httpx.AsyncClient, world: World) -> None:
    for login in ("anna", "mike"):
        person(world, login)
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    absence = {"login": "anna", "delegate": "mike", "ends_at": ends, "reason": "x"}
    added = await api.post("/api/absences", json=absence)
    await api.delete(f"/api/absences/{added.json()['id']}")


async def credit_hold(api: httpx.AsyncClient, world: World) -> None:
    path = f"/api/customers/{world.customer(in_netsuite=False)}"
    await api.put(f"{path}/accounting-profile", json={"credit_status": "credit_hold"})
    await api.get(f"{path}/accounting-profile")
    entries = (await api.get(f"{path}/credit-hold-entries")).json()["entries"]
    await api.delete(f"{path}/credit-hold-entries/{entries[0]['id']}")
    made = await api.post(f"{path}/credit-hold-entries", json={"note": "x"})
    await api.delete(f"{path}/credit-hold-entries", params={"id": made.json()["id"]})
    await api.post("/api/org-settings", json={"organisation": "west"})
    await api.put("/api/org-settings/west", json={"auto_apply_credit_hold": True})
    assert (await api.get("/api/org-settings/west")).is_success
    assert (await api.get("/api/org-settings")).is_success


async def order_and_ship(api: httpx.AsyncClient, world: World) -> None:
    customer = {"customer_id": world.customer(in_netsuite=False)}
    await api.get(f"/api/customers/{customer['customer_id']}/eligibility?action=order")
    await api.post("/api/rates", json=customer)
    for end in ("cancel", "invoiced"):
        order = (await api.post("/api/orders", json=customer)).json()
        await api.post(f"/api/orders/{order['id']}/{end}")
    load = (await api.post("/api/loads", json=customer)).json()
    await api.post(f"/api/loads/{load['id']}/advance")
    await api.put("/api/tariffs/AIR", json={"name": "Air", "currency": "EUR", "rates": []})
    for path in ("orders", f"orders/{order['id']}", "loads", f"loads/{load['id']}", "tariffs"):
        await api.get(f"/api/{path}")


async def receivables(api: httpx.AsyncClient, world: World) -> None:
    customer = world.customer()
    until = str((datetime.now(UTC) + timedelta(days=1)).date())
    exemption = {"until": until, "reason": "x"}
    assert (await api.post(f"/api/customers/{customer}/exemption", json=exemption)).is_success
    assert [one["customer_id"] for one in (await api.get("/api/exemptions")).json()["exemptions"]] == [customer]
    await api.post("/api/ar-aging/backtest", json={"changes": {"trigger_days_overdue": 60}})
    started = (await api.post("/api/ar-aging/run", json={})).json()
    while (await api.get(f"/api/ar-aging/runs/{started['workflow_id']}")).json()["report"] is None:
        pass  # each answer waits for it
    await api.put("/api/ar-aging/schedule", json={"time_zone": "Europe/Oslo"})
    await api.post("/api/ar-aging/schedule/run")
    owed = {"id": "1", "tranId": "1", "type": "CustInvc", "entity": f"N-{customer}", "tranDate": until, "unpaid": 1}
    world.sandbox.put("transactions", [owed])
    await api.post("/api/ledger/pull")
    lines = [{"line": 2, "customer_id": customer, "reason": "x"}]
    for what in ("holds", "releases"):
        assert (await api.post(f"/api/bulk/{what}", json={"file": "0" * 32, "lines": lines})).json()["items"]


async def test_every_route_answers_as_described(desk: DeskServer, world: World) -> None:
    world.set_policy(approval_undo=timedelta(minutes=5), notice_cooling_off=timedelta(hours=1))
    await schedules.ensure(world.client, world.settings)
    api = desk.client(Role.ADMIN)
    customer = world.customer(in_netsuite=False)
    why = {"reason": "x"}
    hold = f"/api/holds/{customer}"
    await api.post("/api/holds", json={"customer_id": customer, **why})
    await api.delete(f"{hold}/claim/{(await claimed(api, customer))['claim']}")
    await api.post(f"{hold}/decision", json={**await claimed(api, customer), "decision": "approve", **why})
    await api.post(f"{hold}/undo", json=why)
    world.set_policy(approval_undo=timedelta(0))
    await api.post(f"{hold}/decision", json={**await claimed(api, customer), "decision": "approve", **why})
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    await api.post(f"{hold}/beats/push_netsuite/retry", json=why)
    await api.post(f"{hold}/beats/push_netsuite/cancel", json=why)
    await api.post(f"{hold}/beats/retry", json=why)
    world.sandbox.seed(
        [{"id": f"N-{customer}", "externalId": customer, "companyName": customer, "creditHoldOverride": "AUTO"}]
    ).raise_for_status()
    await api.post("/admin/ns-push/retry", json={"customer_id": customer})
    await all_done(world, customer)
    notice = next(one["id"] for one in world.show(customer)["messages"] if one["kind"] == "customer_notice")
    message = f"/api/messages/{notice}"
    text = {"revision": 1, "subject": "s", "body": "b", "recipient": "a@example.test"}
    await api.put(message, json=text)
    await api.delete(f"{message}/claim/{(await claimed(api, notice, 'messages'))['claim']}")
    await api.post(f"{message}/decision", json={**await claimed(api, notice, "messages"), "decision": "approve", **why})
    await api.post(f"{message}/recall", json=why)
    await api.post(f"{hold}/release", json=why)
    await skip_a_beat(api, world)
    await stand_in(api, world)
    await order_and_ship(api, world)
    await credit_hold(api, world)
    await receivables(api, world)
    for path in (
        "/api/absences",
        hold,
        message,
        "/api/holds",
        "/api/messages",
        "/api/me",
        "/api/customers",
        f"/api/customers/{customer}",
    ):
        assert (await api.get(path)).is_success, path
    for path in ("/api/ar-aging", "/api/ar-aging/candidates", "/api/policy/versions", "/api/templates"):
        assert (await api.get(path)).is_success, path
    for what in ("pause", "resume", "run"):
        assert (await api.post(f"/api/ar-aging/{what}", json={} if what == "run" else why)).is_success, what
    policy = await api.get("/api/policy")
    changed = {"policy": policy.json()["policy"], "note": "x"}
    await api.put("/api/policy", json=changed, headers={"If-Match": policy.headers["etag"]})
    template = f"/api/templates/{CUSTOMER_NOTICE}"
    etag = (await api.get(template)).headers["etag"]
    words = {"subject": "s", "body": "b"}
    await api.put(template, json=words, headers={"If-Match": etag})
    await api.post(f"{template}/preview", json=words)

    stranger = desk.anyone()
    for method, path in described():
        await stranger.request(method, path.replace("{", "").replace("}", "").replace("message_id", str(uuid4())))

    seen = desk.contract.seen
    assert {(method, path) for method, path in described() if (method, path, False) not in seen} == set()
    well = {(method, path) for method, path in described() if (method, path, True) not in seen}
    assert {path for _, path in well} == _DELIVERY
