"""The real parts every test runs on: one PostgreSQL and one Temporal server for the whole run, a database per test."""

import asyncio
import gc
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from db import migrate
from db.engine import make_engine
from netsuite.sandbox.keys import generate_key_pair
from runtime.files import ensure_private_dir
from runtime.settings import Settings
from runtime.temporal import register_search_attributes
from starter.stack import temporal_cli
from starter.stack.launch import Launch
from starter.stack.ports import Reservations
from starter.stack.postgres import OWNER, Postgres
from starter.stack.temporal_server import TemporalServer
from tests import levels, once, owner
from tests.desk.server import DeskServer
from tests.netsuite.sandbox_server import CERTIFICATE_ID, CLIENT_ID, SandboxServer
from tests.patience import PATIENCE
from tests.world import World
from worker import build_workers, netsuite_client

hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")
once.share()
_plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _plain])  # a rich one costs a tenth of all

_TEMPLATE = "template_holds"
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108 (a folder of a random name is made there)
_numbers = itertools.count(1)
_reserved = Reservations()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    levels.sort(items)


def pytest_collection_finish() -> None:
    """Leave what is loaded now out of every later collection of garbage, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> levels.Scheduler | None:
    return levels.Scheduler(config, log) if config.getvalue("dist") == "load" else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave with pytest's own exit code: the SDK's native threads can abort an ordinary exit (sdk-python issue 300)."""
    _reserved.close()
    code = getattr(config, "exit_code", None)
    if code is not None and not hasattr(config, "workerinput"):  # a worker of xdist still has to report
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.exit_code = int(exitstatus)


def free_port() -> int:
    """One that no other test process takes as long as this one lives, and no connection that goes out."""
    return _reserved.spare()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(log.read_text()[-3000:])
        time.sleep(0.1)


def run_part(launch: Launch, ready: Callable[[], bool], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = launch.start(output)
    wait_until(ready, process, log)
    return process


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the services keep their data: in memory where there is room, since most tests make a database."""
    for left in _MEMORY.glob("holds-*-*"):  # by a run that was killed
        if not psutil.pid_exists(int(left.name.split("-")[1])):
            shutil.rmtree(left, ignore_errors=True)
    in_memory = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else None
    prefix = f"holds-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=in_memory, ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o711)
        yield path


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[Postgres]:
    data = folder / "postgres-data"
    data.mkdir(mode=0o711)
    server = Postgres(data, free_port(), durable=False)
    server.ensure_initialised()
    process = run_part(server.command(), server.ready, folder / "postgres.log")
    server.create_database(_TEMPLATE)
    migrate.upgrade(server.url(_TEMPLATE, OWNER))
    owner.cluster.append(server)
    yield server
    process.send_signal(2)
    process.wait(20)
    server.destroy()


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    name = f"holds_{next(_numbers)}"
    postgres.create_database(name, template=_TEMPLATE)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url, pool_size=40)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def temporal_server(folder: Path) -> Iterator[TemporalServer]:
    data = ensure_private_dir(folder / "temporal-data")
    server = TemporalServer(temporal_cli.ensure(print), data, free_port(), free_port())
    process = run_part(server.command(), server.ready, folder / "temporal.log")
    yield server
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
async def client(temporal_server: TemporalServer) -> Client:
    made = await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)
    await register_search_attributes(made)
    return made


@pytest.fixture(scope="session")
def netsuite_key(folder: Path) -> tuple[Path, str]:
    private, public = generate_key_pair("ES256")
    file = folder / "netsuite.pem"
    file.write_text(private)
    return file, public


@pytest.fixture(scope="session")
def sandbox(folder: Path, netsuite_key: tuple[Path, str]) -> Iterator[SandboxServer]:
    with SandboxServer(folder / "sandbox", netsuite_key[1]) as server:
        yield server


@pytest.fixture
def settings(
    database_url: str,
    temporal_server: TemporalServer,
    sandbox: SandboxServer,
    netsuite_key: tuple[Path, str],
    tmp_path: Path,
) -> Settings:
    """Everything this test's own: its database, its task queue, its data folder."""
    return Settings(
        data_dir=tmp_path,
        database_url=SecretStr(database_url),
        temporal_address=temporal_server.address,
        temporal_ui_url=temporal_server.ui_url,
        task_queue=f"test-{next(_numbers)}",
        netsuite_url=sandbox.url,
        netsuite_client_id=CLIENT_ID,
        netsuite_certificate_id=CERTIFICATE_ID,
        netsuite_private_key_file=netsuite_key[0],
        worker_health_port=free_port(),
        relay_resend_seconds=0.5,
    )


@pytest.fixture
async def idle_world(
    settings: Settings, engine: Engine, client: Client, sandbox: SandboxServer
) -> AsyncIterator[World]:
    """A world whose worker is not running."""
    yield World(settings, engine, client, sandbox)
    sandbox.clear_faults()


@pytest.fixture
async def world(idle_world: World) -> AsyncIterator[World]:
    """A world with both workers running in this process."""
    netsuite = netsuite_client(idle_world.settings)
    async with AsyncExitStack() as stack:
        stack.callback(netsuite.close)
        for worker in build_workers(idle_world.client, idle_world.settings, idle_world.engine, netsuite):
            await stack.enter_async_context(worker)
        yield idle_world
        await asyncio.sleep(0)


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[DeskServer]:
    """A desk on the test's own database."""
    with DeskServer(settings) as server:
        yield server
        await server.close_clients()
