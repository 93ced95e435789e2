"""A desk on the test's own database."""

from collections.abc import AsyncIterator

import pytest

from starter.settings import Settings
from tests.desk.server import DeskServer


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[DeskServer]:
    with DeskServer(settings) as server:
        yield server
        await server.close_clients()
