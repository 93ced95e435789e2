"""What is answered while the database is away: what the setting says, soon, and visibly."""

import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr

from credit.permissions import Role
from db import migrate
from db.engine import make_engine, transaction
from db.models import Customer
from runtime.settings import Settings
from services.freight.gates import Gates, NoAnswerError
from starter.stack.doctor import diagnose
from starter.stack.postgres import OWNER, Postgres
from tests.conftest import free_port, run_part
from tests.desk.api.helpers import refused
from tests.desk.server import DeskServer

SOON = 6.0
"""Seconds: who is asking, and then the question, are given up after three each."""
ORDER = {"customer_id": "C-1"}


@pytest.fixture(scope="module")
def own_postgres(folder: Path) -> Iterator[Postgres]:
    data = folder / "postgres-to-stop"
    data.mkdir(mode=0o711)
    server = Postgres(data, free_port(), durable=False)
    server.ensure_initialised()
    process = run_part(server.command(), server.ready, folder / "postgres-to-stop.log")
    server.create_database("down")
    migrate.upgrade(server.url("down", OWNER))
    engine = make_engine(server.url("down"), pool_size=1)
    with transaction(engine) as session:
        session.add(Customer(id="C-1", name="Harbour Foods Ltd", netsuite_id="C-1"))
    engine.dispose()
    yield server
    process.send_signal(signal.SIGINT)
    process.wait(20)
    server.destroy()


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """Stop this server's processes without a word: connections stay open, and nothing answers."""
    pid = int((server._cluster / "data" / "postmaster.pid").read_text().split()[0])
    whole = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in whole:
        process.suspend()
    try:
        yield
    finally:
        for process in whole:
            process.resume()


@asynccontextmanager
async def desk_of(settings: Settings, server: Postgres, when_down: str) -> AsyncIterator[httpx.AsyncClient]:
    """A requester at a desk on that database, who was known and rated once before."""
    changes = {"database_url": SecretStr(server.url("down")), "eligibility_when_down": when_down}
    with DeskServer(settings.model_copy(update=changes)) as desk:
        api = desk.client(Role.REQUESTER)
        assert len((await api.post("/api/rates", json=ORDER)).json()["rates"]) == 5
        assert (await api.get("/api/customers/C-1/eligibility?action=order")).json()["allowed"] is True
        yield api
        await desk.close_clients()


@pytest.mark.parametrize(("when_down", "allowed"), [("refuse", False), ("allow", True)])
async def test_frozen_database(settings: Settings, own_postgres: Postgres, when_down: str, *, allowed: bool) -> None:
    async with desk_of(settings, own_postgres, when_down) as api:
        with frozen(own_postgres):
            for action in ("order", "rate", "advance_load"):
                began = time.monotonic()
                found = await api.get("/api/customers/C-1/eligibility", params={"action": action})
                assert time.monotonic() - began < SOON + 1
                assert found.status_code == 200
                answer = found.json()
                assert (answer["allowed"], answer["degraded"]) == (allowed, True)
                assert "cannot be looked up" in answer["message"]
            rated = await api.post("/api/rates", json={**ORDER, "tariff": "LTL-STANDARD"})
            if allowed:
                assert rated.json()["degraded"] is True
                assert [one["amount"] for one in rated.json()["rates"]] == ["410.00"]
            else:
                assert "try again soon" in refused(rated, 503, "database_away")["detail"]
            stranger = await api.get(
                "/api/customers/C-1/eligibility?action=order", headers={"Authorization": "Bearer hold_odd"}
            )
            refused(stranger, 503, "database_away")
        assert (await api.get("/api/customers/C-1/eligibility?action=order")).json()["degraded"] is False
        assert (await api.post("/api/orders", json=ORDER)).status_code == 201
        counted = (await api.get("/metrics")).text
    said = "allowed" if allowed else "refused"
    assert f'hold_eligibility_answers_total{{action="rate",answer="{said}",degraded="true"}} 2.0' in counted
    assert re.search(rf"^hold_eligibility_when_down_allows {float(allowed)}$", counted, re.MULTILINE)


async def test_closed_port_is_answered_at_once() -> None:
    gates = Gates(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        await gates.ask(lambda session: session.connection())
    assert time.monotonic() - began < 1
    gates.close()


async def test_what_must_be_written_waits_for_the_database(settings: Settings, own_postgres: Postgres) -> None:
    """An order taken twice would be worse than one refused."""
    async with desk_of(settings, own_postgres, "allow") as api:
        load = (await api.post("/api/loads", json=ORDER)).json()["id"]
        with closed(own_postgres):
            for path, body in (("/api/orders", ORDER), ("/api/loads", ORDER), (f"/api/loads/{load}/advance", {})):
                began = time.monotonic()
                assert "try again soon" in refused(await api.post(path, json=body), 503, "database_away")["detail"]
                assert time.monotonic() - began < SOON
            assert (await api.get("/api/customers/C-1/eligibility?action=order")).json()["degraded"] is True
        assert (await api.get(f"/api/loads/{load}")).json()["status"] == "quoted"


@contextmanager
def closed(server: Postgres) -> Iterator[None]:
    """Let nobody into the database, and everybody out."""
    with server._connect() as admin:
        admin.autocommit = True
        admin.execute("ALTER DATABASE down ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'down'")
        yield
        admin.execute("ALTER DATABASE down ALLOW_CONNECTIONS true")


def test_doctor_tells_the_setting(settings: Settings) -> None:
    [check] = [one for one in diagnose(settings) if one.name == "eligibility"]
    assert check.ok
    assert "while the database is away: refuse" in str(check.version)
