"""A Chromium in front of a desk, with workers behind it and a mail sink at the end."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from starter.settings import Settings
from tests.browser import chromium
from tests.browser.office import Office
from tests.conftest import free_port
from tests.desk.server import DeskServer
from tests.messages.post_office import Sink
from tests.world import World

FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=str(chromium.ensure()), args=FLAGS)
        yield started
        await started.close()


@pytest.fixture(scope="session")
def sink(folder: Path) -> Iterator[Sink]:
    made = Sink(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(settings: Settings, sink: Sink) -> Settings:
    port = free_port()
    desk = {"desk_port": port, "desk_url": f"http://127.0.0.1:{port}"}
    return settings.model_copy(update={"smtp_port": sink.port, **desk})


@pytest.fixture
async def office(
    request: pytest.FixtureRequest, settings: Settings, world: World, browser: Browser, sink: Sink
) -> AsyncIterator[Office]:
    """People at browsers. What a browser complained about, other than answers a test asked for, fails the test."""
    with DeskServer(settings, settings.desk_port) as desk:
        made = Office(desk, world, browser, sink, request.node.name)
        yield made
        await made.close()
        await desk.close_clients()
    assert made.complaints == []
