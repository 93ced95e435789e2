"""Holds over HTTP: start, list, look, claim, decide, undo, retry."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends

from credit.permissions import Permission
from credit.states import HoldStatus
from db.engine import transaction
from db.repositories import holds
from db.repositories.tokens import Caller
from desk.access import needs
from desk.surroundings import Surroundings, surroundings
from starter import documents
from starter.documents import Document

router = APIRouter(prefix="/api/holds", tags=["holds"])

Desk = Annotated[Surroundings, Depends(surroundings)]
Viewer = Annotated[Caller, Depends(needs(Permission.LOOK))]


@router.get("")
async def list_holds(desk: Desk, _: Viewer, status: HoldStatus | None = None) -> Document:
    """List holds: the open ones, or those in one status."""

    def read() -> Document:
        with transaction(desk.engine) as session:
            return documents.hold_list(session, holds.listed(session, status))

    return await asyncio.to_thread(read)


@router.get("/{name}")
async def show_hold(name: str, desk: Desk, _: Viewer) -> Document:
    """Show one hold whole. `name` is a hold's id or a customer's."""

    def read() -> Document:
        with transaction(desk.engine) as session:
            return documents.whole(session, holds.find(session, name), datetime.now(UTC))

    return await asyncio.to_thread(read)
