"""A Chromium in front of a desk, with workers behind it and a mail sink at the end."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from runtime.settings import Settings
from tests.browser import chromium, node
from tests.browser.debian import FetchError, NeedsRootError
from tests.browser.office import Office
from tests.conftest import free_port
from tests.desk.server import DeskServer
from tests.messages.post_office import Sink
from tests.world import World

_CHROMIUM = pytest.StashKey[Path | Exception]()

FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get the browser before the first test that needs one, whose patience is shorter than a slow network's."""
    here = Path(__file__).parent
    if not session.config.option.collectonly and any(here in item.path.parents for item in session.items):
        session.config.stash[_CHROMIUM] = _chromium()


def _chromium() -> Path | Exception:
    try:
        return chromium.ensure()
    except (NeedsRootError, FetchError) as error:
        return error


@pytest.fixture(scope="session")
async def browser(pytestconfig: pytest.Config, folder: Path) -> AsyncIterator[Browser]:
    program = pytestconfig.stash[_CHROMIUM]
    try:
        if isinstance(program, Exception):
            raise program
        os.environ[node.VARIABLE] = str(node.ensure(folder))
    except NeedsRootError as error:
        pytest.skip(str(error))
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=str(program), args=FLAGS)
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
