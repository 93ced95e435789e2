"""The same real parts, on a Temporal server that skips time wherever nothing is under way.

Every test has a server of its own, so that its clock starts at today. No listing and no schedules there.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests.long_waits import time_skipping_server
from workflows.contract import SEARCH_ATTRIBUTES


@dataclass(frozen=True)
class Clock:
    """Temporal's clock: it stands as long as nobody skips, but for the real seconds that pass."""

    environment: WorkflowEnvironment

    async def now(self) -> datetime:
        return await self.environment.get_current_time()

    async def skip(self, duration: timedelta, step: timedelta = timedelta(days=30)) -> None:
        """Skip on, `step` at a time: what really runs meanwhile must be done within the request's half a minute."""
        while duration > timedelta():
            await self.environment.sleep(min(duration, step))
            duration -= step

    async def until(self, moment: datetime) -> None:
        await self.skip(moment - await self.now())


@dataclass(frozen=True)
class TimeSkippingServer:
    """What the shared fixtures ask of a Temporal server."""

    address: str
    ui_url: str = ""


@pytest.fixture(scope="session")
async def how_to_start() -> dict[str, Any]:
    try:
        return await time_skipping_server.ensure()
    except time_skipping_server.ServerMissingError as missing:
        pytest.skip(f"no time-skipping server: {missing}")


@pytest.fixture
async def environment(how_to_start: dict[str, Any]) -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter, **how_to_start
    ) as started:
        yield started


@pytest.fixture
async def client(environment: WorkflowEnvironment) -> Client:
    """This server cannot list search attributes, so `register_search_attributes` cannot look before it adds."""
    made = environment.client
    types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
    order = AddSearchAttributesRequest(namespace=made.namespace, search_attributes=types)
    await made.operator_service.add_search_attributes(order)
    return made


@pytest.fixture
def temporal_server(environment: WorkflowEnvironment) -> TimeSkippingServer:
    return TimeSkippingServer(environment.client.service_client.config.target_host)


@pytest.fixture
def clock(environment: WorkflowEnvironment) -> Clock:
    return Clock(environment)
