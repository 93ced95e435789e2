"""Holds over HTTP: start, list, look, claim, decide, undo, release; retry, skip and cancel beats."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID, uuid5

from fastapi import Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field
from sqlalchemy.orm import Session

from credit.permissions import Role
from credit.states import Beat, HoldStatus, Verdict
from db.holds import holds
from db.people.tokens import Caller
from desk import paging
from desk.api import answers
from desk.api.common import (
    Body,
    Decider,
    Desk,
    IfMatch,
    Line,
    Mended,
    Reason,
    Retrier,
    Starter,
    Viewer,
    Why,
    api_router,
    fresh,
    revised,
    revision_of,
)
from desk.problems import documented
from desk.surroundings import Surroundings, in_transaction
from services.answers import Document
from services.holds import documents
from services.holds.operations import Started

router = api_router("holds", "/api/holds")

Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$", description="A hold's id, or a customer's.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", include_in_schema=False)]

_KEYS = UUID("6f0e8a43-5d0b-4a3e-9a53-6f8f2f6e6a11")
_PATIENCE = timedelta(seconds=15)
"""How long a start waits for a worker."""
_MISSING = documented(HTTPStatus.NOT_FOUND)
_REFUSED = documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


def _by_hand(trigger: object) -> object:
    if trigger != "manual":
        raise ValueError("only `manual` may be given; AR aging proposes by itself")
    return trigger


class NewHold(Body):
    """Whom to propose a hold for, and why."""

    customer_id: Line
    trigger: Annotated[Literal["manual"], BeforeValidator(_by_hand)] = "manual"
    reason: Why


class NewDecision(Body):
    """What was decided about the revision that was shown."""

    claim: UUID
    revision: Annotated[int | None, Field(ge=1, lt=2**31)] = None
    """Required without `If-Match`."""
    decision: Verdict
    reason: Why
    keep_block: bool = True
    evidence_seen: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    """`proposal.evidence_count` as shown: where somebody else gave a reason since, the answer is 409 with the words."""


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    response_model=answers.StartedHold,
    responses=_MISSING
    | {200: {"model": answers.StartedHold, "description": "One is open; the reason was added as evidence."}},
)
async def start_hold(
    body: NewHold,
    desk: Desk,
    who: Starter,
    idempotency_key: Key = None,
) -> Response:
    """Propose a hold, or add the reason to the one that is open. Nothing happens before somebody approves."""
    trigger_id = _id_of(who, idempotency_key)
    started = await desk.operations.start_hold(
        body.customer_id, reason=body.reason, actor=who.name, trigger_id=trigger_id, wait=_PATIENCE
    )
    hold = await _read(desk, str(started.hold_id))
    status = HTTPStatus.ACCEPTED if started.created else HTTPStatus.OK
    return JSONResponse(_started(started, hold), status, {"Location": f"/api/holds/{started.hold_id}"})


@router.get("", response_model=answers.HoldList, responses=documented())
async def list_holds(
    request: Request,
    desk: Desk,
    _: Viewer,
    status: Annotated[HoldStatus | None, Query(description="Only these; the open ones by default.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List holds, oldest first: the open ones, or those in one status."""
    after = paging.moment_and_id(cursor)

    def read(session: Session) -> tuple[Document, str | None]:
        found = holds.listed(session, status, limit + 1, after=after)
        page, following = paging.cut(found, limit, lambda hold: (hold.proposed_at.isoformat(), str(hold.id)))
        return documents.hold_list(session, page) | {"next_cursor": following}, following

    document, following = await in_transaction(desk, read)
    return fresh(request, document, paging.next_link(request, following))


@router.get("/{name}", response_model=answers.Hold, responses=_MISSING)
async def show_hold(name: Name, desk: Desk, _: Viewer) -> Response:
    """Show one hold whole. The ETag is its revision."""
    document = await _read(desk, name)
    return revised(document, document["revision"])


@router.post("/{name}/claim", status_code=HTTPStatus.CREATED, response_model=answers.Claim, responses=_REFUSED)
async def claim(name: Name, desk: Desk, who: Decider) -> Response:
    """Claim the open proposal, or renew your claim. While it lasts nobody else decides."""
    held, proposal = await desk.operations.claim(name, actor=who.name)
    return JSONResponse(documents.claimed(held, proposal.revision), HTTPStatus.CREATED)


@router.delete("/{name}/claim/{claim_id}", status_code=HTTPStatus.NO_CONTENT)
async def release_claim(name: Name, claim_id: UUID, desk: Desk, who: Decider) -> Response:
    """Give your claim back undecided; does nothing where it has ended."""
    del name  # the claim's id says whose it is
    await desk.operations.release_claim(claim_id, actor=who.name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{name}/decision",
    status_code=HTTPStatus.ACCEPTED,
    response_model=answers.Decision,
    responses=_REFUSED | documented(HTTPStatus.PRECONDITION_FAILED),
)
async def decide(name: Name, body: NewDecision, desk: Desk, who: Decider, if_match: IfMatch = None) -> Response:
    """Decide the revision that was shown. Once: whoever comes second gets 409."""
    decided = await desk.operations.decide(
        name,
        claim_id=body.claim,
        revision=revision_of(if_match, body.revision),
        verdict=body.decision,
        reason=body.reason,
        actor=who.name,
        keep_block=body.keep_block,
        evidence_seen=body.evidence_seen,
        is_admin=who.role is Role.ADMIN,
    )
    return JSONResponse(decided.document(), HTTPStatus.ACCEPTED)


@router.post("/{name}/undo", response_model=answers.Undone, responses=_REFUSED)
async def undo(name: Name, body: Reason, desk: Desk, who: Decider) -> Response:
    """Take an approval back while the policy allows it; the proposal is open again at the next revision."""
    proposal = await desk.operations.undo(name, actor=who.name, reason=body.reason)
    return JSONResponse(documents.undone(proposal))


@router.post(
    "/{name}/release", status_code=HTTPStatus.ACCEPTED, response_model=answers.ReleaseProposed, responses=_REFUSED
)
async def release(name: Name, body: Reason, desk: Desk, who: Starter, idempotency_key: Key = None) -> Response:
    """Propose to lift the hold, or add the reason to the release that is proposed. It stays until somebody approves."""
    hold_id = await desk.operations.request_release(
        name, reason=body.reason, actor=who.name, request_id=_id_of(who, idempotency_key), wait=_PATIENCE
    )
    document = documents.release_proposed(await _read(desk, str(hold_id)))
    return JSONResponse(document, HTTPStatus.ACCEPTED, {"Location": f"/api/holds/{hold_id}"})


@router.post(
    "/{name}/beats/retry", status_code=HTTPStatus.ACCEPTED, response_model=answers.RetriedBeats, responses=_REFUSED
)
async def retry_beats(name: Name, body: Mended, desk: Desk, who: Retrier) -> Response:
    """Try every unfinished beat again now."""
    return await retried(desk, name, None, who.name, body.reason)


@router.post(
    "/{name}/beats/{beat}/retry",
    status_code=HTTPStatus.ACCEPTED,
    response_model=answers.RetriedBeats,
    responses=_REFUSED,
)
async def retry_beat(name: Name, beat: Beat, body: Mended, desk: Desk, who: Retrier) -> Response:
    """Try one unfinished beat again now: after mending what it needs, or instead of waiting."""
    return await retried(desk, name, beat, who.name, body.reason)


@router.post(
    "/{name}/beats/{beat}/skip", status_code=HTTPStatus.ACCEPTED, response_model=answers.ChangedBeat, responses=_REFUSED
)
async def skip_beat(name: Name, beat: Beat, body: Reason, desk: Desk, who: Retrier) -> Response:
    """End an unfinished beat undone: the hold goes on without it."""
    await desk.operations.skip_beat(name, beat=beat, actor=who.name, reason=body.reason)
    return JSONResponse(documents.changed_beat(await _read(desk, name), beat), HTTPStatus.ACCEPTED)


@router.post(
    "/{name}/beats/{beat}/cancel",
    status_code=HTTPStatus.ACCEPTED,
    response_model=answers.ChangedBeat,
    responses=_REFUSED,
)
async def cancel_beat(name: Name, beat: Beat, body: Reason, desk: Desk, who: Retrier) -> Response:
    """Stop trying an unfinished beat until somebody retries it."""
    await desk.operations.cancel_beat(name, beat=beat, actor=who.name, reason=body.reason)
    return JSONResponse(documents.changed_beat(await _read(desk, name), beat), HTTPStatus.ACCEPTED)


async def retried(desk: Surroundings, name: str, beat: Beat | None, actor: str, reason: str) -> Response:
    """Retry beats and answer with which; None is every unfinished one."""
    wanted = await desk.operations.retry_beat(name, beat=beat, actor=actor, reason=reason)
    hold = await _read(desk, name)
    return JSONResponse({"id": hold["id"], "beats": wanted}, HTTPStatus.ACCEPTED)


def _id_of(who: Caller, key: str | None) -> str | None:
    """Return the id of what is asked for: after a crash the repetition reaches the same hold, and counts once."""
    return str(uuid5(_KEYS, f"{who.name}\n{key}")) if key else None


async def _read(desk: Surroundings, name: str) -> Document:
    return await in_transaction(
        desk, lambda session: documents.whole(session, holds.find(session, name), datetime.now(UTC))
    )


def _started(started: Started, hold: Document) -> Document:
    return {key: hold[key] for key in ("id", "customer_id", "status", "revision")} | {"created": started.created}
