"""The desk as an ASGI application: its routes and what surrounds them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from desk import pages, problems
from desk.api import document, routes
from desk.gate_access import KnownCallers
from desk.pages.people import account, device, people, sign_in
from desk.security import ProtectedApp
from desk.sign_in import strangers
from desk.sign_in.oidc import Provider
from desk.surroundings import open_surroundings
from runtime.settings import Settings
from runtime.version import VERSION


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; its lifespan opens the database pool and the Temporal client."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_surroundings(settings) as desk, strangers.counted(desk.engine) as app.state.strangers:
            app.state.surroundings = desk
            yield

    app = ProtectedApp(
        settings,
        title="Service holds",
        version=VERSION,
        description=document.INTRODUCTION.strip(),
        openapi_tags=[{"name": name, "description": words} for name, words in document.TAGS.items()],
        docs_url=None,
        openapi_url="/api/openapi.json",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.known_callers = KnownCallers()
    app.state.provider = Provider(settings) if settings.oidc_issuer else None
    problems.install(app)
    document.install(app)
    sign_in.install(app)
    for router in (*routes.ROUTERS, sign_in.router, account.router, device.router, people.router):
        app.include_router(router)
    pages.install(app)
    return app
