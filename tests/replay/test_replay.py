"""Every branch of the workflows replays: as committed, and as it runs today."""

import json
import socket
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.workflow import NondeterminismError

from tests.replay import histories
from tests.replay.scenarios import SCENARIOS
from tests.world import World

COMMITTED = sorted(file.stem for file in histories.FOLDER.glob("*.json"))


@pytest.fixture
async def neutral_world(idle_world: World) -> World:
    """A world whose client says nothing of the machine it runs on."""
    client = await Client.connect(
        idle_world.settings.temporal_address, data_converter=pydantic_data_converter, identity=histories.IDENTITY
    )
    return World(idle_world.settings, idle_world.engine, client, idle_world.sandbox)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_happens_today_replays(neutral_world: World, name: str) -> None:
    handle = await SCENARIOS[name](neutral_world)

    history = await handle.fetch_history()

    if histories.RECORDING:
        histories.save(name, history)
    await histories.replayer().replay_workflow(history)


@pytest.mark.parametrize("name", COMMITTED)
async def test_committed_history_replays(name: str) -> None:
    await histories.replayer().replay_workflow(histories.load(name))


@pytest.mark.parametrize("name", COMMITTED)
async def test_committed_history_says_nothing_of_the_machine_it_was_recorded_on(name: str) -> None:
    document = json.loads(histories.file_of(name).read_text())
    text = histories.readable(document)

    assert histories.identities(document) <= {histories.IDENTITY, "history-service", ""}
    assert "stackTrace" not in text
    assert not [one for one in (socket.gethostname() + "@", str(Path.cwd()), str(Path.home()) + "/") if one in text]


def test_every_branch_has_its_committed_history() -> None:
    elsewhere = {"carried_inbox"}  # tests/long_histories/test_replay.py: it takes a server that wants fresh histories
    assert set(SCENARIOS) | elsewhere == {file.stem for file in histories.FOLDER.glob("*.json")}


async def test_history_of_another_order_of_events_does_not_replay() -> None:
    """So that the tests above can fail."""
    text = histories.file_of("approved").read_text()
    changed = WorkflowHistory.from_json("approved", text.replace('"flag_customer"', '"flag_nobody"'))

    with pytest.raises(NondeterminismError):
        await histories.replayer().replay_workflow(changed)
