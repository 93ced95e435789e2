"""The policy, the templates, the AR aging scan and who is calling."""

from datetime import UTC, datetime

import pytest

from credit.permissions import Role
from credit.policy import Policy
from credit.templates import CUSTOMER_NOTICE
from services import schedules
from tests.desk.api.helpers import refused
from tests.desk.server import DeskServer
from tests.holds.helpers import events
from tests.world import World


async def test_me(desk: DeskServer) -> None:
    me = (await desk.client(Role.REQUESTER, "rosa").get("/api/me")).json()
    assert (me["name"], me["role"]) == ("rosa", "requester")
    assert "start a hold" in me["permissions"]
    assert "claim and decide" not in me["permissions"]


async def test_policy_is_changed_by_who_read_it_last(desk: DeskServer, idle_world: World) -> None:
    api = desk.client(Role.ADMIN, "ada")
    read = await api.get("/api/policy")
    assert Policy.model_validate(read.json()["policy"]) == Policy()
    body = {"policy": read.json()["policy"] | {"claim_lease": "PT20M", "trigger_total_open": "30000"}, "note": "busier"}

    changed = await api.put("/api/policy", json=body, headers={"If-Match": read.headers["etag"]})

    assert (changed.status_code, changed.json()["version"]) == (200, read.json()["version"] + 1)
    assert (changed.json()["created_by"], changed.json()["note"]) == ("ada", "busier")
    late = await api.put("/api/policy", json=body, headers={"If-Match": read.headers["etag"]})
    assert refused(late, 412, "stale_version")["current"] == changed.json()["version"]
    same = await api.get("/api/policy", headers={"If-None-Match": changed.headers["etag"]})
    assert same.status_code == 304
    versions = (await api.get("/api/policy/versions")).json()["versions"]
    assert [one["version"] for one in versions] == [changed.json()["version"], read.json()["version"]]
    [event] = events(idle_world, "system", "policy_changed")
    assert (event.actor, event.detail["after"]["claim_lease"]) == ("ada", "PT20M")


@pytest.mark.parametrize(
    "change",
    [
        {"claim_lease": "PT0S"},
        {"decline_snooze": "-P1D"},
        {"material_share": "1.5"},
        {"ledger_currency": "dollars"},
        {"odd": 1},
        {"trigger_days_overdue": -1},
        {"trigger_total_open": "NaN"},
    ],
)
async def test_policy_that_makes_no_sense_is_refused(desk: DeskServer, change: dict[str, object]) -> None:
    api = desk.client(Role.ADMIN)
    whole = (await api.get("/api/policy")).json()["policy"]
    answer = await api.put("/api/policy", json={"policy": whole | change, "note": "x"}, headers={"If-Match": '"1"'})
    refused(answer, 422, "bad_input")


async def test_policy_is_given_whole_and_with_its_version(desk: DeskServer) -> None:
    api = desk.client(Role.ADMIN)
    whole = (await api.get("/api/policy")).json()["policy"]
    refused(await api.put("/api/policy", json={"policy": whole, "note": "x"}), 428, "if_match_missing")
    part = {"policy": {"claim_lease": "PT20M"}, "note": "x"}
    answer = await api.put("/api/policy", json=part, headers={"If-Match": '"1"'})
    problem = refused(answer, 422, "bad_input")
    assert "policy, material share: fill this in" in problem["detail"]
    assert "body.policy.material_share" in {one["where"] for one in problem["errors"]}


async def test_template_gets_a_new_version_only_if_it_can_be_rendered(desk: DeskServer, idle_world: World) -> None:
    api = desk.client(Role.ADMIN, "ada")
    url = f"/api/templates/{CUSTOMER_NOTICE}"
    read = await api.get(url)
    assert CUSTOMER_NOTICE in [one["name"] for one in (await api.get("/api/templates")).json()["templates"]]
    match = {"If-Match": read.headers["etag"]}
    good = {"subject": "Account {{ customer_id }}", "body": "Dear {{ customer_name }}: {{ facts.total_open | money }}"}

    for bad in ("{{ nobody }}", "{% if %}", "{{ invoices[0].id }}", "{{ ''.__class__ }}", "{{ 1 / 0 }}"):
        refused(await api.put(url, json=good | {"body": bad}, headers=match), 422, "template_refused")
        refused(await api.post(f"{url}/preview", json=good | {"body": bad}), 422, "template_refused")
    preview = (await api.post(f"{url}/preview", json=good)).json()
    assert (preview["subject"], preview["body"]) == ("Account 1012", "Dear Harbour Foods Ltd: 40,000.00")
    changed = await api.put(url, json=good, headers=match)

    assert (changed.status_code, changed.json()["version"]) == (200, read.json()["version"] + 1)
    refused(await api.put(url, json=good, headers=match), 412, "stale_version")
    refused(await api.put(url, json=good), 428, "if_match_missing")
    refused(await api.get("/api/templates/odd"), 404, "unknown_template")
    refused(await api.put("/api/templates/odd", json=good, headers=match), 404, "unknown_template")
    [event] = events(idle_world, "system", "template_changed")
    assert (event.actor, event.detail["after"]) == ("ada", good)


async def test_scan_is_looked_at_run_paused_and_resumed(desk: DeskServer, world: World) -> None:
    due, fine = world.customer(), world.customer(days_overdue=10)
    admin = desk.client(Role.ADMIN, "ada")
    await schedules.ensure(world.client, world.settings)
    paused = await admin.post("/api/ar-aging/pause", json={"reason": "stocktaking"})
    assert paused.json()["paused"] is True
    assert "paused by ada: stocktaking" in paused.json()["note"]
    assert (await admin.post("/api/ar-aging/resume", json={"reason": "done"})).json()["paused"] is False
    assert [len(events(world, "system", f"ar_aging_{what}")) for what in ("paused", "resumed")] == [1, 1]
    candidates = (await admin.get("/api/ar-aging/candidates")).json()
    assert [one["customer_id"] for one in candidates["candidates"]] == [due]
    assert candidates["as_of"] == datetime.now(UTC).date().isoformat()

    started = await admin.post("/api/ar-aging/run")

    assert started.status_code == 202
    await world.client.get_workflow_handle(started.json()["workflow_id"]).result()
    assert world.status(due) == "proposed"
    look = (await admin.get("/api/ar-aging")).json()
    assert [(run["requested_by"], run["counts"]) for run in look["runs"]] == [("ada", {"proposed": 1})]
    assert look["schedule"]["next_runs"]
    assert (await admin.get("/api/ar-aging/candidates")).json()["candidates"] == []
    refused(await admin.post("/api/ar-aging/run", json={"as_of": "1800-01-01"}), 422, "bad_input")
    refused(await admin.get("/api/ar-aging/candidates?as_of=odd"), 422, "bad_input")
    assert fine
