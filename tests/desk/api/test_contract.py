"""Every route of the API is in the OpenAPI document, with its answer's model, and answers so: once well, once badly.

`DeskServer.client` holds every answer of every test against the document; these tests make sure that none is left out.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from openapi_spec_validator import validate

from credit.permissions import Role
from credit.templates import CUSTOMER_NOTICE
from db.engine import transaction
from db.messages import messages
from db.people import device_codes
from runtime.settings import Settings
from services import schedules
from tests.acting import acted
from tests.desk.api.helpers import claimed
from tests.desk.people.all_routes import routes
from tests.desk.server import DeskServer
from tests.drift.helpers import says
from tests.holds.helpers import all_done
from tests.messages.post_office import FailingServer
from tests.notifications.helpers import person
from tests.world import World

WHY = {"reason": "x"}
UNDESCRIBED = {"/api/docs", "/api/openapi.json"}
EXPORT = ("GET", "/api/audit/export")
"""Answers with a file."""


@pytest.fixture
async def mail_server() -> AsyncIterator[FailingServer]:
    server = FailingServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(settings: Settings, mail_server: FailingServer) -> Settings:
    return settings.model_copy(update={"smtp_port": mail_server.port})


def described(desk: DeskServer) -> dict[tuple[str, str], dict[str, Any]]:
    paths = desk.contract.document["paths"]
    return {(method.upper(), path): paths[path][method] for path in paths for method in paths[path]}


def test_every_route_of_the_api_is_described(desk: DeskServer) -> None:
    there = {(method, route.path) for route in routes() for method in (route.methods or set()) - {"HEAD"}}
    api = {(method, path) for method, path in there if path and path.startswith(("/api/", "/admin/"))}
    assert {path for _, path in api - described(desk).keys()} == UNDESCRIBED
    assert len(api) > 90


def test_every_answer_is_declared_by_its_model(desk: DeskServer) -> None:
    validate(desk.contract.document)
    schemas = desk.contract.document["components"]["schemas"]
    for (method, path), operation in described(desk).items():
        said = f"{method} {path}"
        assert operation["responses"].keys() >= {"503"} | ({"401"} if operation["security"] else set()), said
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            assert content or status == "204", said
            if (method, path) == EXPORT and status == "200":
                continue
            for kind, body in content.items():
                assert kind == ("application/json" if status < "400" else "application/problem+json"), said
                for model in body["schema"].get("anyOf", [body["schema"]]):
                    assert "$ref" in model, f"{said} {status} declares no model"
                    schema = schemas[model["$ref"].rpartition("/")[2]]
                    assert schema["properties"], said
                    assert schema["description"], said


async def skip_a_beat(api: httpx.AsyncClient, world: World) -> None:
    stuck = world.customer(in_netsuite=False)
    await world.start(stuck)
    await world.approve(stuck)
    await world.eventually(lambda: world.beat(stuck, "push_netsuite")["status"] == "needs_attention")
    await api.post(f"/api/holds/{stuck}/beats/push_netsuite/skip", json=WHY)


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
    await api.get(f"{path}/credit-hold-entries/effects", params={"tariff": "FTL-REEFER"})
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


async def set_in_force(api: httpx.AsyncClient, hold: str) -> None:
    day = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    await api.put(f"{hold}/dates", json={"end_date": day, **WHY})
    excepted = {"scope": "order", "reference": "ORD-1", "until": day, **WHY}
    made = await api.post(f"{hold}/exceptions", json=excepted)
    await api.get(f"{hold}/exceptions")
    await api.delete(f"{hold}/exceptions/{made.json()['id']}", params=WHY)


async def exempt(api: httpx.AsyncClient, world: World) -> None:
    path = f"/api/customers/{world.customer(in_netsuite=False)}/exemption"
    until = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    await api.post(path, json={"until": until, **WHY})
    await api.get(path)
    await api.delete(path, params=WHY)


async def mend_the_delivery(api: httpx.AsyncClient, world: World, message: str, server: FailingServer) -> None:
    def delivery() -> str | None:
        with transaction(world.engine) as session:
            return messages.find(session, UUID(message)).delivery

    world.set_policy(notice_cooling_off=timedelta(0))
    server.data_answer = "554 5.7.1 looks like spam"
    decision = {**await claimed(api, message, "messages"), "decision": "approve", **WHY}
    await api.post(f"/api/messages/{message}/decision", json=decision)
    await world.eventually(lambda: delivery() == "refused")
    server.data_answer, server.lose_answers = "250 OK", True
    await api.post(f"/api/messages/{message}/delivery/retry", json=WHY)
    await world.eventually(lambda: delivery() == "unknown")
    await api.post(f"/api/messages/{message}/delivery", json={"arrived": True, **WHY})


async def settle_what_netsuite_says(api: httpx.AsyncClient, world: World, released: str) -> None:
    unheld = world.customer()
    says(world, unheld, "ON")
    says(world, released, "OFF")
    await api.post("/api/drift/check")
    assert (await api.get("/api/drift")).json()["drift"]
    await api.post(f"/api/drift/{unheld}/adopt", json=WHY)
    await api.post(f"/api/drift/{released}/accept", json=WHY)
    says(world, released, "ON")
    await api.post("/api/drift/check")
    await api.post(f"/api/drift/{released}/repair", json=WHY)


async def send_events(api: httpx.AsyncClient, world: World) -> None:
    customer = world.customer(in_netsuite=False)
    now = datetime.now(UTC)
    today, at, soon = f"{now:%Y-%m-%d}", now.isoformat(), f"{now + timedelta(days=9):%Y-%m-%d}"
    money = {"amount": "10.00", "currency": "USD"}
    disputed = {"action": "opened", "invoice_id": "NEW-1", "opened_at": at}
    instalments = [{"due_date": soon, "amount": "10.00"}]
    events = {
        "invoice": {"invoice_id": "NEW-1", "due_date": soon, **money},
        "payment": {"payment_id": "P-1", "paid_on": today, **money},
        "dispute": disputed,
        "promise-to-pay": {"promised_for": soon, "made_by": "them", "made_at": at, **money},
        "payment-plan": {"action": "agreed", "instalments": instalments, "currency": "USD", "agreed_at": at},
        "health-prediction": {"risk": "high", "model": "m", "predicted_at": at},
    }
    for kind, event in events.items():
        for status in (202, 200):
            answer = await api.post(f"/api/events/{kind}", json={"customer_id": customer, "event_id": kind, **event})
            assert answer.status_code == status, answer.text


async def manage_people(api: httpx.AsyncClient) -> None:
    await api.post("/api/users", json={"login": "vera", "role": "viewer"})
    await api.get("/api/users")
    await api.patch("/api/users/vera", json={"role": "requester"})
    await api.post("/api/users/vera/reset-password")
    await api.post("/api/users/vera/sign-out")
    await api.post("/api/tokens", json={"name": "erp", "role": "sender"})
    await api.get("/api/tokens")
    await api.delete("/api/tokens/erp")


async def sign_in_a_program(desk: DeskServer, world: World) -> None:
    person(world, "dora")
    api = desk.anyone()
    begun = (await api.post("/api/device-codes", json={"client_name": "hold on laptop"})).json()
    code = {"device_code": begun["device_code"]}
    acted(world.engine, "dora", device_codes.answer, begun["user_code"], confirmed=True)
    token = (await api.post("/api/device-tokens", json=code)).json()["access_token"]
    assert (await api.post("/api/device-tokens", json=code)).json()["error"] == "expired_token"
    await api.delete("/api/me/token", headers={"Authorization": f"Bearer {token}"})


async def read_the_audit(api: httpx.AsyncClient) -> None:
    await api.get("/api/audit")
    for form in ("jsonl", "csv"):
        assert (await api.get("/api/audit/export", params={"format": form})).text
    await api.post("/api/audit/verify")


async def receivables(api: httpx.AsyncClient, world: World) -> None:
    customer = world.customer()
    until = str((datetime.now(UTC) + timedelta(days=1)).date())
    exemption = {"until": until, "reason": "x"}
    assert (await api.post(f"/api/customers/{customer}/exemption", json=exemption)).is_success
    listed = (await api.get("/api/exemptions")).json()["exemptions"]
    assert customer in [one["customer_id"] for one in listed]
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


@pytest.mark.timeout(400)
async def test_every_route_answers_as_described(  # noqa: PLR0915
    desk: DeskServer, world: World, mail_server: FailingServer
) -> None:
    world.set_policy(approval_undo=timedelta(minutes=5), notice_cooling_off=timedelta(hours=1))
    await schedules.ensure(world.client, world.settings)
    api = desk.client(Role.ADMIN)
    customer = world.customer(in_netsuite=False)
    hold = f"/api/holds/{customer}"
    await api.post("/api/holds", json={"customer_id": customer, **WHY})
    await api.delete(f"{hold}/claim/{(await claimed(api, customer))['claim']}")
    await api.post(f"{hold}/decision", json={**await claimed(api, customer), "decision": "approve", **WHY})
    await api.post(f"{hold}/undo", json=WHY)
    world.set_policy(approval_undo=timedelta(0))
    await api.post(f"{hold}/decision", json={**await claimed(api, customer), "decision": "approve", **WHY})
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    await api.post(f"{hold}/beats/push_netsuite/retry", json=WHY)
    await api.post(f"{hold}/beats/push_netsuite/cancel", json=WHY)
    await api.post(f"{hold}/beats/retry", json=WHY)
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
    await api.post(f"{message}/decision", json={**await claimed(api, notice, "messages"), "decision": "approve", **WHY})
    await api.post(f"{message}/recall", json=WHY)
    await mend_the_delivery(api, world, notice, mail_server)
    await set_in_force(api, hold)
    await api.post(f"{hold}/release", json=WHY)
    await api.post(f"{hold}/override", json=WHY)
    await world.in_status(customer, "released")
    await settle_what_netsuite_says(api, world, customer)
    await skip_a_beat(api, world)
    await exempt(api, world)
    await receivables(api, world)
    await send_events(api, world)
    await manage_people(api)
    await sign_in_a_program(desk, world)
    await read_the_audit(api)
    await stand_in(api, world)
    await order_and_ship(api, world)
    await credit_hold(api, world)
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
        assert (await api.post(f"/api/ar-aging/{what}", json={} if what == "run" else WHY)).is_success, what
    policy = await api.get("/api/policy")
    changed = {"policy": policy.json()["policy"], "note": "x"}
    await api.put("/api/policy", json=changed, headers={"If-Match": policy.headers["etag"]})
    template = f"/api/templates/{CUSTOMER_NOTICE}"
    etag = (await api.get(template)).headers["etag"]
    words = {"subject": "s", "body": "b"}
    await api.put(template, json=words, headers={"If-Match": etag})
    await api.post(f"{template}/preview", json=words)

    assert (await api.get("/api/report")).is_success
    stranger = desk.anyone()
    for method, path in described(desk):
        await stranger.request(method, path.replace("{", "").replace("}", "").replace("message_id", str(uuid4())))

    for well in (False, True):
        assert {route for route in described(desk) if (*route, well) not in desk.contract.seen} == set()
