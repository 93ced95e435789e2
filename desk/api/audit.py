"""The audit trail over HTTP: search, export, verify."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.orm import Session

from credit.permissions import Permission
from db import audit
from db.audit_check import FaultKind
from db.errors import BadInputError
from db.people.tokens import Caller
from desk import paging
from desk.access import needs
from desk.api.common import Desk, api_router
from desk.surroundings import in_transaction
from services import audit_trail
from services.answers import Document
from services.audit_trail import ExportFormat

router = api_router("audit", "/api/audit")

Auditor = Annotated[Caller, Depends(needs(Permission.READ_AUDIT))]
Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Since = Annotated[AwareDatetime | None, Query(alias="from", description="From this time on.")]
Until = Annotated[AwareDatetime | None, Query(alias="to", description="Before this time.")]

_LONGEST_ID = 18
"""Digits."""
_MEDIA = {ExportFormat.JSONL: "application/jsonl", ExportFormat.CSV: "text/csv; charset=utf-8"}


class Event(BaseModel):
    """Who did what, when and why; `hash` covers the rest and the row before."""

    at: datetime
    chain: str
    """The hold's id, or `system`."""
    seq: int
    actor: str
    action: str
    detail: Document
    prev_hash: str
    hash: str


class Events(BaseModel):
    """A page of events, the newest first."""

    events: list[Event]
    next_cursor: str | None


class Fault(BaseModel):
    """The first thing that is wrong with one chain."""

    chain: str
    seq: int
    kind: FaultKind
    problem: str


class Anchors(BaseModel):
    """What the rows were compared with: heads of chains, kept outside the database."""

    heads: int
    lines: int
    newest: datetime | None
    problem: str | None
    """What is wrong with the anchor file itself."""


class Verified(BaseModel):
    """What a verification looked at and found."""

    intact: bool
    rows: int
    chains: int
    bad_chains: int
    faults: list[Fault]
    anchors: Anchors
    note: str


@router.get("", response_model=Events)
async def search(
    request: Request,
    desk: Desk,
    _: Auditor,
    chain: Word = None,
    actor: Word = None,
    action: Word = None,
    since: Since = None,
    until: Until = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
) -> Response:
    """Search the audit trail, the newest first. `chain` is a hold's id, or `system` for what belongs to none."""
    before_id = _id_in(cursor)

    def read(session: Session) -> list[tuple[int, Document]]:
        rows = audit.search(
            session,
            chain=chain,
            actor=actor,
            action=action,
            since=since,
            until=until,
            before_id=before_id,
            limit=limit + 1,
        )
        return [(row.id, audit_trail.event(row)) for row in rows]

    page, following = paging.cut(await in_transaction(desk, read), limit, lambda row: [str(row[0])])
    document = {"events": [document for _, document in page], "next_cursor": following}
    return JSONResponse(document, headers=paging.next_link(request, following))


def _id_in(cursor: str | None) -> int | None:
    key = paging.key_of(cursor, parts=1)
    if key is None:
        return None
    if not (key[0].isascii() and key[0].isdigit() and len(key[0]) <= _LONGEST_ID):
        raise BadInputError("this is not a cursor of this list: start again without one")
    return int(key[0])


@router.get("/export", response_class=StreamingResponse, responses={200: {"content": {m: {} for m in _MEDIA.values()}}})
async def export(
    desk: Desk,
    _: Auditor,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.JSONL,
    hold: Annotated[Word, Query(description="A hold's id or a customer's, or `system`; without it everything.")] = None,
    since: Since = None,
    until: Until = None,
) -> StreamingResponse:
    """Download the audit trail, oldest first. How JSON lines are verified, `hold audit export --help` says."""
    chain = None if hold is None else await in_transaction(desk, audit_trail.chain_named, hold)
    pieces = audit_trail.export(desk.engine, form, chain=chain, since=since, until=until)
    name = f"audit-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type=_MEDIA[form], headers=headers)


@router.post("/verify", response_model=Verified)
async def verify(desk: Desk, _: Auditor) -> Document:
    """Check every row and the anchor file; takes about a minute for a million rows."""
    return await asyncio.to_thread(audit_trail.verify, desk.engine, desk.settings.anchor_file)
