import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn

from desk.app import create_app
from tests.admission.cli import Program, program
from tests.desk.server import DeskServer
from tests.patience import PATIENCE
from tests.world import World


@pytest.fixture
def hold(idle_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Program]:
    with DeskServer(idle_world.settings) as served:
        yield program(idle_world, served.url, monkeypatch, capsys)


@pytest.fixture
async def desk(idle_world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The desk over real HTTP; requests bring their own token."""
    config = uvicorn.Config(create_app(idle_world.settings), port=0, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE) as http:
        yield http
    server.should_exit = True
    await serving
