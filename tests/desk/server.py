"""A desk that serves real HTTP, in a thread of the test's process."""

import itertools
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Self

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from credit.permissions import Role
from db.engine import make_engine
from desk.app import create_app
from runtime.settings import Settings
from tests.acting import made_token
from tests.desk.contract import Contract, Schemas
from tests.netsuite.sandbox_server import PLAIN_HTTP
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from sqlalchemy import Engine

_names = itertools.count(1)


@cache
def first_app() -> FastAPI:
    """Has what is the same for every desk: FastAPI would work out each route anew for every application."""
    return create_app(Settings(database_url=SecretStr("postgresql+psycopg://nobody@localhost/none")))


@cache
def _schemas() -> Schemas:
    return Schemas(first_app().openapi())


def app_of(settings: Settings) -> FastAPI:
    app = create_app(settings)
    app.router.routes, app.openapi_schema = first_app().router.routes, _schemas().document
    return app


class DeskServer:
    def __init__(self, settings: Settings, port: int = 0) -> None:
        self.settings = settings
        app = app_of(settings)
        self.contract = Contract(_schemas())
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, access_log=False, timeout_graceful_shutdown=5
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="desk")
        self._engine: Engine = make_engine(settings.database_url.get_secret_value(), pool_size=1)
        self._clients: list[httpx.AsyncClient] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            assert self._thread.is_alive(), "the desk did not start"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._engine.dispose()
        assert not self._thread.is_alive()

    def token(self, name: str, role: Role) -> str:
        return made_token(self._engine, name, role)

    def client(self, role: Role = Role.APPROVER, name: str = "") -> httpx.AsyncClient:
        """A caller of this role; every answer it gets is held against the contract."""
        token = self.token(name or f"{role.label}-{next(_names)}", role)
        return self.anyone({"Authorization": f"Bearer {token}"})

    def anyone(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        made = httpx.AsyncClient(
            base_url=self.url,
            headers=headers,
            trust_env=False,
            verify=PLAIN_HTTP,
            timeout=PATIENCE,
            event_hooks={"response": [self.contract.check]},
            limits=httpx.Limits(max_connections=None),
        )
        self._clients.append(made)
        return made

    async def close_clients(self) -> None:
        for client in self._clients:
            await client.aclose()
