"""The worker as a citizen of production: metrics, logs, and refusing to start where it would harm."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from runtime.temporal import SearchAttributeError, register_search_attributes
from tests.holds.test_killed_worker import environment, worker_process
from tests.patience import PATIENCE
from tests.world import World
from workflows.contract import SEARCH_ATTRIBUTES


def samples(port: int) -> dict[str, float]:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status()
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def test_metrics_and_logs_tell_of_holds_and_of_the_sdk(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = idle_world
    port = world.settings.worker_health_port
    monkeypatch.setattr("tests.holds.test_killed_worker.free_port", lambda: port)
    world.settings.log_format = "json"
    waiting, stuck = world.customer(), world.customer()
    async with worker_process(world):
        await world.start(waiting)
        await world.start(stuck)
        world.sandbox.faults(outage=True)
        await world.approve(stuck)
        await world.in_status(stuck, "in_force")

        seen = samples(port)

        assert seen["hold_database_up"] == 1
        assert seen["hold_holds_open{status=proposed}"] == 1
        assert seen["hold_holds_open{status=in_force}"] == 1
        assert seen["hold_proposals_waiting"] == 1
        assert seen["hold_oldest_proposal_age_seconds"] > 0
        assert seen["hold_beats_unfinished{beat=push_netsuite,status=retrying}"] == 1
        assert seen["hold_decisions_undelivered"] == 0
        assert seen["hold_outbox_rows{outbox=decision}"] == 0
        assert any(name.startswith("temporal_worker_task_slots_available") for name in seen)
        world.sandbox.clear_faults()
        await world.eventually(lambda: world.beat(stuck, "push_netsuite")["status"] == "done")
        assert not any(name.startswith("hold_beats_unfinished") for name in samples(port))

    lines = (Path(world.settings.data_dir) / "worker.log").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert world.show(stuck)["id"] in {event.get("hold_id") for event in events}


async def test_search_attribute_of_another_type_is_refused_by_name(client: Client) -> None:
    await register_search_attributes(client, [SearchAttributeKey.for_keyword("HoldTestColour")])
    with pytest.raises(SearchAttributeError, match=r"HoldTestColour is .*Keyword, wanted Int"):
        await register_search_attributes(client, [SearchAttributeKey.for_int("HoldTestColour")])


async def test_worker_does_not_start_in_a_namespace_whose_attributes_have_other_types(
    idle_world: World, client: Client
) -> None:
    world = idle_world
    namespace = "wrong-attributes"
    retention = RegisterNamespaceRequest(namespace=namespace)
    retention.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(retention)
    elsewhere = await Client.connect(
        world.settings.temporal_address, namespace=namespace, data_converter=pydantic_data_converter
    )

    async def register() -> bool:
        try:
            await register_search_attributes(elsewhere, [SearchAttributeKey.for_int("HoldStatus")])
        except RPCError:
            return False  # the namespace is not known everywhere yet
        return True

    for _ in range(100):
        if await register():
            break
    env = environment(world.settings) | {"HOLD_TEMPORAL_NAMESPACE": namespace}
    finished = subprocess.run(  # noqa: ASYNC221 (nothing else goes on)
        [sys.executable, "-m", "worker"], env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert finished.returncode == 1
    assert "HoldStatus" in finished.stderr


def test_worker_whose_relay_dies_stops_and_says_why(idle_world: World) -> None:
    code = """
import os, worker
async def dying(*_): raise ValueError("the relay is dead")
worker.relay = dying
os._exit(worker.main())
"""
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(idle_world.settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert finished.returncode == 1
    assert "the relay is dead" in finished.stderr


def test_search_attributes_fit_into_sql_visibility() -> None:
    """Ten Keywords, and three of each other type, is all there is."""
    kinds = [key.indexed_value_type for key in SEARCH_ATTRIBUTES]
    assert all(kinds.count(kind) <= (10 if kind.name == "KEYWORD" else 3) for kind in kinds)
