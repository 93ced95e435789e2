"""The desk as an ASGI application: its routes and what surrounds them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from desk import problems
from desk.api import health, holds
from desk.surroundings import open_surroundings
from starter.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; its lifespan opens the database pool and the Temporal client."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_surroundings(settings) as desk:
            app.state.surroundings = desk
            yield

    app = FastAPI(
        title="Service holds",
        version="0.1.0",
        description="Propose, decide, watch and mend service holds. Errors are RFC 9457 problems.",
        docs_url="/api/docs",
        openapi_url="/api/openapi.json",
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    for router in (health.router, holds.router):
        app.include_router(router)
    return app
