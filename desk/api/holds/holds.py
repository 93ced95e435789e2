"""Holds over HTTP: start, list, look, claim, decide, undo, release; retry, skip and cancel beats."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID, uuid5

from fastapi import Header, Query
from fastapi.responses import Response
from pydantic import BeforeValidator, Field
from sqlalchemy.orm import Session
from temporalio.service import RPCError

from credit.permissions import Role
from credit.states import Beat, HoldStatus, Verdict
from db.engine import WITH_WHAT_IS_WRITTEN
from db.errors import (
    ClaimedByAnotherError,
    ClaimLostError,
    NothingToDecideError,
    NothingToReleaseError,
    SecondApproverError,
    SelfApprovalError,
    StaleRevisionError,
    TooLateError,
    UnknownCustomerError,
    UnknownHoldError,
    UnseenEvidenceError,
)
from db.holds import holds
from db.holds.awaiting import NoWorkerError
from db.people.tokens import Caller
from desk import paging
from desk.api.common import (
    Body,
    Decider,
    Desk,
    HoldName,
    IfMatch,
    Line,
    Mended,
    Reason,
    Retrier,
    Starter,
    Viewer,
    Why,
    api_router,
    revision_of,
)
from desk.etags import revised
from desk.problems import refuses
from desk.surroundings import in_transaction
from services.holds import answers
from services.relay import NotToldError

router = api_router("holds", "/api/holds")

Key = Annotated[str | None, Header(alias="Idempotency-Key", include_in_schema=False)]

_KEYS = UUID("6f0e8a43-5d0b-4a3e-9a53-6f8f2f6e6a11")
_PATIENCE = timedelta(seconds=15)
"""How long a start waits for a worker."""


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
    responses={
        HTTPStatus.OK: {"model": answers.StartedHold, "description": "One is open; the reason was added as evidence."}
    },
)
@refuses(UnknownCustomerError, NoWorkerError, NotToldError)
async def start_hold(
    body: NewHold, desk: Desk, who: Starter, response: Response, idempotency_key: Key = None
) -> answers.StartedHold:
    """Propose a hold, or add the reason to the one that is open. Nothing happens before somebody approves."""
    started = await desk.operations.start_hold(
        body.customer_id, reason=body.reason, actor=who.name, trigger_id=_id_of(who, idempotency_key), wait=_PATIENCE
    )
    response.status_code = HTTPStatus.ACCEPTED if started.created else HTTPStatus.OK
    response.headers["Location"] = f"/api/holds/{started.hold_id}"

    def read(session: Session) -> answers.StartedHold:
        hold = holds.find(session, str(started.hold_id))
        return answers.StartedHold.of(session, hold, created=started.created)

    return await in_transaction(desk, read)


@router.get("")
async def list_holds(
    page: paging.Page,
    desk: Desk,
    _: Viewer,
    status: Annotated[HoldStatus | None, Query(description="Only these; the open ones by default.")] = None,
) -> answers.HoldList:
    """List holds, oldest first: the open ones, or those in one status."""
    after = paging.moment_and(UUID, page.cursor)

    def read(session: Session) -> answers.HoldList:
        rows = holds.listed(session, status, page.limit + 1, after=after)
        return answers.HoldList.of(session, *page.cut(rows, lambda hold: (hold.proposed_at.isoformat(), str(hold.id))))

    return await in_transaction(desk, read)


@router.get("/{name}")
@refuses(UnknownHoldError)
async def show_hold(name: HoldName, desk: Desk, _: Viewer, response: Response) -> answers.Hold:
    """Show one hold whole. The ETag is its revision."""

    def read(session: Session) -> answers.Hold:
        return answers.Hold.whole(session, holds.find(session, name), datetime.now(UTC))

    return revised(response, await in_transaction(desk, read))


@router.post("/{name}/claim", status_code=HTTPStatus.CREATED)
@refuses(UnknownHoldError, NothingToDecideError, ClaimedByAnotherError)
async def claim(name: HoldName, desk: Desk, who: Decider) -> answers.Claim:
    """Claim the open proposal, or renew your claim. While it lasts nobody else decides."""
    held, proposal = await desk.operations.claim(name, actor=who.name)
    return answers.Claim.of(held, proposal.revision)


@router.delete("/{name}/claim/{claim_id}", status_code=HTTPStatus.NO_CONTENT)
async def release_claim(name: HoldName, claim_id: UUID, desk: Desk, who: Decider) -> None:
    """Give your claim back undecided; does nothing where it has ended."""
    del name  # the claim's id says whose it is
    await desk.operations.release_claim(claim_id, actor=who.name)


@router.post("/{name}/decision", status_code=HTTPStatus.ACCEPTED)
@refuses(
    UnknownHoldError,
    NothingToDecideError,
    ClaimLostError,
    StaleRevisionError,
    UnseenEvidenceError,
    SelfApprovalError,
    SecondApproverError,
)
async def decide(
    name: HoldName, body: NewDecision, desk: Desk, who: Decider, if_match: IfMatch = None
) -> answers.Decision:
    """Decide the revision that was shown. Once: whoever comes second gets 409."""
    return await desk.operations.decide(
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


@router.post("/{name}/undo")
@refuses(UnknownHoldError, NothingToDecideError, TooLateError)
async def undo(name: HoldName, body: Reason, desk: Desk, who: Decider) -> answers.Undone:
    """Take an approval back while the policy allows it; the proposal is open again at the next revision."""
    return await desk.operations.undo(name, actor=who.name, reason=body.reason)


@router.post("/{name}/release", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToReleaseError, NoWorkerError, NotToldError)
async def release(
    name: HoldName, body: Reason, desk: Desk, who: Starter, response: Response, idempotency_key: Key = None
) -> answers.ReleaseProposed:
    """Propose to lift the hold, or add the reason to the release that is proposed. It stays until somebody approves."""
    hold_id = await desk.operations.request_release(
        name, reason=body.reason, actor=who.name, request_id=_id_of(who, idempotency_key), wait=_PATIENCE
    )
    response.headers["Location"] = f"/api/holds/{hold_id}"

    def read(session: Session) -> answers.ReleaseProposed:
        return answers.ReleaseProposed.of(session, holds.find(session, str(hold_id)), datetime.now(UTC))

    return await in_transaction(desk, read)


@router.post("/{name}/beats/retry", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToDecideError, RPCError)
async def retry_beats(name: HoldName, body: Mended, desk: Desk, who: Retrier) -> answers.RetriedBeats:
    """Try every unfinished beat again now."""
    return await desk.operations.retry_beat(name, beat=None, actor=who.name, reason=body.reason)


@router.post("/{name}/beats/{beat}/retry", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToDecideError, RPCError)
async def retry_beat(name: HoldName, beat: Beat, body: Mended, desk: Desk, who: Retrier) -> answers.RetriedBeats:
    """Try one unfinished beat again now: after mending what it needs, or instead of waiting."""
    return await desk.operations.retry_beat(name, beat=beat, actor=who.name, reason=body.reason)


@router.post("/{name}/beats/{beat}/skip", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToDecideError, RPCError)
async def skip_beat(name: HoldName, beat: Beat, body: Reason, desk: Desk, who: Retrier) -> answers.ChangedBeat:
    """End an unfinished beat undone: the hold goes on without it."""
    await desk.operations.skip_beat(name, beat=beat, actor=who.name, reason=body.reason)
    return await in_transaction(desk, lambda session: answers.ChangedBeat.of(holds.find(session, name), beat))


@router.post("/{name}/beats/{beat}/cancel", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToDecideError, RPCError)
async def cancel_beat(name: HoldName, beat: Beat, body: Reason, desk: Desk, who: Retrier) -> answers.ChangedBeat:
    """Stop trying an unfinished beat until somebody retries it."""
    await desk.operations.cancel_beat(name, beat=beat, actor=who.name, reason=body.reason)
    return await in_transaction(desk, lambda session: answers.ChangedBeat.of(holds.find(session, name), beat))


def _id_of(who: Caller, key: str | None) -> str | None:
    """Return the id of what is asked for: after a crash the repetition reaches the same hold, and counts once."""
    WITH_WHAT_IS_WRITTEN.set(None)  # so the repetition may be carried out, and is answered
    return str(uuid5(_KEYS, f"{who.name}\n{key}")) if key else None
