from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.holds.helpers import workers
from tests.messages.mailing import Mailing
from tests.messages.post_office import FailingServer, Sink
from tests.world import World


@pytest.fixture(scope="session")
def sink(folder: Path) -> Iterator[Sink]:
    made = Sink(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(settings: Settings, sink: Sink) -> Settings:
    return settings.model_copy(update={"smtp_port": sink.port})


@pytest.fixture
def idle_mailing(idle_world: World) -> Mailing:
    """No worker runs."""
    return Mailing(idle_world)


@pytest.fixture
def mailing(world: World) -> Mailing:
    """Messages leave through the sink."""
    return Mailing(world)


@pytest.fixture
async def failing_server() -> AsyncIterator[FailingServer]:
    server = FailingServer()
    await server.start()
    yield server
    server.answers.set()
    await server.stop()


@pytest.fixture
async def failing_mailing(idle_world: World, failing_server: FailingServer) -> AsyncIterator[Mailing]:
    """Messages leave through a server that fails as it is told to."""
    idle_world.settings = idle_world.settings.model_copy(update={"smtp_port": failing_server.port})
    async with workers(idle_world):
        yield Mailing(idle_world)
