"""`/healthz`, `/readyz`, `/metrics`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from desk.surroundings import Surroundings, surroundings
from runtime.metrics import Metrics

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("OK\n")


@router.get("/readyz")
async def readyz(desk: Annotated[Surroundings, Depends(surroundings)]) -> PlainTextResponse:
    """Whether work can be done: the database answers."""

    def ask() -> None:
        with desk.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    try:
        await asyncio.to_thread(ask)
    except SQLAlchemyError:
        return PlainTextResponse("Service Unavailable\n", 503)
    return PlainTextResponse("OK\n")


@router.get("/metrics")
async def metrics(desk: Annotated[Surroundings, Depends(surroundings)]) -> Response:
    """Prometheus metrics, counted from the record."""
    text_format = await asyncio.to_thread(Metrics(desk.engine, more=[desk.gates]).text)
    return Response(text_format, media_type=CONTENT_TYPE_LATEST)
