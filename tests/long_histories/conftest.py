"""A Temporal server that wants fresh histories early."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from runtime.files import ensure_private_dir
from runtime.temporal import register_search_attributes
from starter.stack import temporal_cli
from starter.stack.temporal_server import TemporalServer
from tests.conftest import free_port, run_part
from tests.holds.helpers import workers
from tests.world import World

_FULL = 90
"""Events after which this server wants a fresh history; by default it is 4,096."""


@pytest.fixture(scope="package")
def temporal_server(folder: Path) -> Iterator[TemporalServer]:
    data = ensure_private_dir(folder / "short-histories")
    server = TemporalServer(temporal_cli.ensure(print), data, free_port(), free_port())
    launch = server.command()
    limit = ("--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={_FULL}")
    process = run_part(replace(launch, argv=(*launch.argv, *limit)), server.ready, folder / "short-histories.log")
    yield server
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="package")
async def client(temporal_server: TemporalServer) -> Client:
    made = await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)
    await register_search_attributes(made)
    return made


@pytest.fixture
async def running(idle_world: World) -> AsyncIterator[World]:
    async with workers(idle_world):
        yield idle_world
