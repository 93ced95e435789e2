"""The audit trail over HTTP: search, export, verify."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from db import audit
from db.errors import BadInputError, UnknownHoldError
from desk import paging
from desk.api.common import Auditor, Desk, api_router
from desk.problems import refuses
from desk.surroundings import acting, in_transaction
from services import audit_trail
from services.audit_trail import Event, ExportFormat

router = api_router("audit", "/api/audit")

Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Since = Annotated[AwareDatetime | None, Query(alias="from", description="From this time on.")]
Until = Annotated[AwareDatetime | None, Query(alias="to", description="Before this time.")]

_LONGEST_ID = 18
"""Digits."""
_CONTENT = {
    "application/jsonl": {"schema": {"type": "string", "description": "Lines, each an `Event`."}},
    "text/csv": {"schema": {"type": "string", "description": "The members of `Event` as columns."}},
}
_MEDIA = {ExportFormat.JSONL: "application/jsonl", ExportFormat.CSV: "text/csv; charset=utf-8"}


@router.get("")
async def search(
    page: paging.Page,
    desk: Desk,
    _: Auditor,
    chain: Word = None,
    actor: Word = None,
    action: Word = None,
    since: Since = None,
    until: Until = None,
) -> audit_trail.Events:
    """Search the audit trail, the newest first. `chain` is a hold's id, or `system` for what belongs to none."""
    before_id = _id_in(page.cursor)

    def read(session: Session) -> audit_trail.Events:
        rows = audit.search(
            session,
            chain=chain,
            actor=actor,
            action=action,
            since=since,
            until=until,
            before_id=before_id,
            limit=page.limit + 1,
        )
        found, following = page.cut(rows, lambda row: [str(row.id)])
        return audit_trail.Events(events=[Event.of_row(row) for row in found], next_cursor=following)

    return await in_transaction(desk, read)


def _id_in(cursor: str | None) -> int | None:
    key = paging.key_of(cursor, parts=1)
    if key is None:
        return None
    if not (key[0].isascii() and key[0].isdigit() and len(key[0]) <= _LONGEST_ID):
        raise BadInputError("this is not a cursor of this list: start again without one")
    return int(key[0])


@router.get("/export", response_class=StreamingResponse, responses={HTTPStatus.OK: {"content": _CONTENT}})
@refuses(UnknownHoldError)
async def export(
    desk: Desk,
    who: Auditor,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.JSONL,
    hold: Annotated[Word, Query(description="A hold's id or a customer's, or `system`; without it everything.")] = None,
    since: Since = None,
    until: Until = None,
) -> StreamingResponse:
    """Download the audit trail, oldest first. How JSON lines are verified, `hold audit export --help` says."""
    chain = await acting(desk, who, audit_trail.begin_export, form, name=hold, since=since, until=until)
    pieces = audit_trail.export(desk.engine, form, chain=chain, since=since, until=until)
    name = f"audit-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type=_MEDIA[form], headers=headers)


@router.post("/verify")
async def verify(desk: Desk, _: Auditor) -> audit_trail.Verified:
    """Check every row and the anchor file; takes about a minute for a million rows."""
    return await asyncio.to_thread(audit_trail.verify, desk.engine, desk.settings)
