"""The whole server as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from netsuite.oauth import TOKEN_PATH
from netsuite.sandbox.control_api import ControlApi
from netsuite.sandbox.faults import DEFAULT_CONCURRENCY, Faults, Governor
from netsuite.sandbox.problems import error_response
from netsuite.sandbox.record_api import RECORD_PATH, Account, RecordApi
from netsuite.sandbox.store import StoreThread
from netsuite.sandbox.suiteql import SUITEQL_PATH
from netsuite.sandbox.tokens import Integration, Tokens

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How one sandbox is run.

    Attributes:
        state: the folder of its SQLite file.
        integration: the one client that may sign in.
        token_seconds: a bearer token's lifetime; NetSuite's is one hour.
        hold_seconds: how long an answer that never comes keeps its connection.
        max_concurrency: record requests at once before 429.
        control_anywhere: whether other machines may use the control side.
    """

    state: Path
    integration: Integration
    token_seconds: float = 3600.0
    hold_seconds: float = 120.0
    max_concurrency: int = DEFAULT_CONCURRENCY
    control_anywhere: bool = False


def application(settings: Settings) -> Starlette:
    """The server for ``settings``. The store is opened here and closed when the application stops.

    Raises:
        OSError, sqlite3.Error: the state folder cannot be used.
    """
    account = Account(
        store=StoreThread(settings.state),
        tokens=Tokens(settings.integration, settings.token_seconds),
        governor=Governor(settings.max_concurrency),
        hold_seconds=settings.hold_seconds,
        faults=Faults(),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        account.store.close()

    record_api = RecordApi(account)
    return Starlette(
        routes=[
            Route(TOKEN_PATH, record_api.token, methods=_METHODS),
            Route(RECORD_PATH + "{rest:path}", record_api.record, methods=_METHODS),
            Route(SUITEQL_PATH, record_api.suiteql, methods=_METHODS),
            *ControlApi(account, anywhere=settings.control_anywhere).routes(),
        ],
        exception_handlers={404: _not_found, Exception: _failure},
        lifespan=lifespan,
    )


async def _not_found(_: Request, __: Exception) -> Response:
    return error_response(404, {"detail": "The requested resource does not exist.", "o:errorCode": "NOT_FOUND"})


async def _failure(_: Request, __: Exception) -> Response:
    return error_response(500, {"detail": "An unexpected error occurred.", "o:errorCode": "UNEXPECTED_ERROR"})
