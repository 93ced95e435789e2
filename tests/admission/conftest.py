from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.admission.cli import Program, program
from tests.desk.server import DeskServer
from tests.world import World


@pytest.fixture
def hold(idle_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Program]:
    with DeskServer(idle_world.settings) as served:
        yield program(idle_world, served.url, monkeypatch, capsys)


@pytest.fixture
async def desk(idle_world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The desk over real HTTP; requests bring their own token."""
    with DeskServer(idle_world.settings) as server:
        yield server.anyone()
        await server.close_clients()
