"""Whatever goes wrong is a problem document (RFC 9457)."""

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from pydantic import SecretStr

from credit.permissions import Role
from runtime.settings import Settings
from tests.conftest import free_port
from tests.desk.api.helpers import claimed, refused
from tests.desk.server import DeskServer
from tests.world import World

if TYPE_CHECKING:
    import httpx


async def test_odd_requests(desk: DeskServer) -> None:
    api = desk.client()
    refused(await api.get("/api/nothing-here"), 404, "not_found")
    wrong = await api.put("/api/holds")
    refused(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"]
    json_type = {"content-type": "application/json"}
    refused(await api.post("/api/holds", content=b"{", headers=json_type), 400, "malformed_json")
    refused(await api.post("/api/holds", content=b"\xff", headers=json_type), 400, "bad_request")
    refused(await api.post("/api/holds", content=b"[]", headers=json_type), 422, "bad_input")
    refused(await api.post("/api/holds", content=b"x=1"), 422, "bad_input")
    refused(
        await api.post("/api/holds", content=b'"' + b"x" * (2 << 20) + b'"', headers=json_type),
        413,
        "request_entity_too_large",
    )
    lone = b'{"customer_id": "\\ud800", "reason": "x"}'
    refused(await api.post("/api/holds", content=lone, headers=json_type), 422, "bad_input")
    for path in (f"/api/messages/{uuid4()}/odd", "/api/holds/%00", "/api/customers?q=%00", "/api/customers/%00"):
        assert (await api.get(path)).status_code in (404, 422), path


async def test_nobody_gets_in_without_a_token(desk: DeskServer) -> None:
    open_to_all = {"/healthz", "/readyz", "/metrics"}
    for path, operations in desk.contract.document["paths"].items():
        for method, operation in operations.items():
            if path in open_to_all or "security" not in operation:
                continue
            for forged in (None, {"Authorization": "Bearer forged"}, {"Authorization": "Basic bWlrZTptaWtl"}):
                url = path.replace("{", "").replace("}", "")
                answer = await desk.anyone(forged).request(method, url)
                assert answer.status_code in (401, 422), f"{method} {path}: {answer.status_code}"
                assert answer.json()["code"] in {"not_signed_in", "unknown_token", "bad_input"}


async def test_database_away_is_503(settings: Settings) -> None:
    nowhere = SecretStr(f"postgresql+psycopg://holds@127.0.0.1:{free_port()}/holds")
    with DeskServer(settings.model_copy(update={"database_url": nowhere})) as desk:
        for headers in ({}, {"Idempotency-Key": "k"}):
            api = desk.anyone({"Authorization": "Bearer anything"})
            answer = await api.post("/api/holds/x/claim", headers=headers)
            refused(answer, 503, "database_away")
            assert answer.headers["retry-after"] == "5"
        assert (await desk.anyone().get("/healthz")).status_code == 200
        assert (await desk.anyone().get("/readyz")).status_code == 503
        await desk.close_clients()


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "never answers"])
async def test_temporal_away_is_503_but_a_decision_stands(world: World, *, silent: bool) -> None:
    """The decision is a row: 202, and its signal is left to the relay."""
    customer = world.customer()
    await world.start(customer)

    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if not silent:
        server.close()
    away = world.settings.model_copy(update={"temporal_address": f"127.0.0.1:{port}", "embedded": True})
    with DeskServer(away) as desk:
        api = desk.client(Role.APPROVER)
        body = {**await claimed(api, customer), "decision": "decline", "reason": "x"}
        decided = await api.post(f"/api/holds/{customer}/decision", json=body)
        assert (decided.status_code, decided.json()["delivered"]) == (202, False)
        if not silent:
            answer = await api.post("/api/holds", json={"customer_id": world.customer(), "reason": "x"})
            refused(answer, 503, "temporal_away")
            refused(await api.get("/api/ar-aging"), 503, "temporal_away")
        await desk.close_clients()
    server.close()


async def test_role_that_does_not_reach_is_403_everywhere(desk: DeskServer, idle_world: World) -> None:
    viewer = desk.client(Role.VIEWER)
    message = uuid4()
    text = {"subject": "s", "body": "b"}
    why = {"reason": "x"}
    attempts: list[httpx.Response] = [
        await viewer.post("/api/holds", json={"customer_id": "x", **why}),
        await viewer.post("/api/holds/x/claim"),
        await viewer.delete(f"/api/holds/x/claim/{uuid4()}"),
        await viewer.post("/api/holds/x/decision", json={"claim": str(uuid4()), "decision": "approve", **why}),
        await viewer.post("/api/holds/x/undo", json=why),
        await viewer.post("/api/holds/x/beats/retry", json=why),
        await viewer.post("/api/holds/x/beats/push_netsuite/retry", json=why),
        await viewer.post("/admin/ns-push/retry", json={"customer_id": "x"}),
        await viewer.put(f"/api/messages/{message}", json=text),
        await viewer.post(f"/api/messages/{message}/claim"),
        await viewer.post(
            f"/api/messages/{message}/decision", json={"claim": str(uuid4()), "decision": "approve", **why}
        ),
        await viewer.post(f"/api/messages/{message}/recall", json=why),
        await viewer.post(f"/api/messages/{message}/delivery", json={"arrived": True, **why}),
        await viewer.post(f"/api/messages/{message}/delivery/retry", json=why),
        await viewer.post("/api/ar-aging/run"),
        await viewer.post("/api/ar-aging/pause", json=why),
        await viewer.post("/api/ar-aging/resume", json=why),
        await viewer.put("/api/policy", json={"policy": {}, "note": "x"}, headers={"If-Match": '"1"'}),
        await viewer.put("/api/templates/x", json=text, headers={"If-Match": '"1"'}),
    ]
    for answer in attempts:
        refused(answer, 403, "not_allowed")
