"""`/holds/{id}`: the evidence, the decision, and what became of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from credit.permissions import Role
from credit.states import ProposalKind
from db.errors import ClaimedByAnotherError, NothingToDecideError, RefusedError, StaleRevisionError
from db.holds import evidence
from db.people.tokens import Caller
from desk.flashes import see_other
from desk.pages.common import Approver, Desk, Remark, Viewer
from desk.pages.holds.answers import DecisionForm, answer, explained, read
from desk.pages.holds.context import HoldPage
from desk.rendering import render

router = APIRouter(include_in_schema=False)

_DECIDED = {ProposalKind.PLACE: "hold", ProposalKind.RELEASE: "release", ProposalKind.REPAIR: "repair"}
"""How a page says what was decided: with the flash `<this>_approved` or `<this>_declined`."""


@router.get("/holds/{name}")
async def show(request: Request, name: str, desk: Desk, who: Viewer) -> Response:
    """Show a hold; `name` is its id or its customer's."""
    return await answer(request, desk, name, who)


@router.post("/holds/{name}/claim")
async def claim(request: Request, name: str, desk: Desk, who: Approver, reason: Remark = "") -> Response:
    """Claim the open proposal; a reason that was written already is kept."""
    try:
        await desk.operations.claim(name, actor=who.name)
    except ClaimedByAnotherError as error:
        return await explained(request, desk, name, who, error, reason)
    if reason:
        return await answer(request, desk, name, who, reason=reason)
    return see_other(f"/holds/{name}", "claimed")


@router.post("/holds/{name}/give-back")
async def give_back(name: str, desk: Desk, who: Approver, claim_id: Annotated[UUID, Form()]) -> Response:
    await desk.operations.release_claim(claim_id, actor=who.name)
    return see_other(f"/holds/{name}", "given_back")


@router.post("/claims/{claim_id}/release")
async def leave(claim_id: UUID, desk: Desk, who: Approver) -> Response:
    """Give a claim back because its page was left: what the browser sends on its way out."""
    await desk.operations.release_claim(claim_id, actor=who.name)
    return Response(status_code=204)


@router.post("/holds/{name}/confirm")
async def confirm(
    request: Request, name: str, desk: Desk, who: Approver, form: Annotated[DecisionForm, Form()]
) -> Response:
    """Show exactly what is about to be decided; decides nothing."""
    page = await read(desk, name, who)
    try:
        _check(page, form, who)
    except RefusedError as error:
        return await explained(request, desk, name, who, error, form.reason, form)
    return render(request, "holds/confirm.html", page=page, form=form)


@router.post("/holds/{name}/decision")
async def decide(
    request: Request, name: str, desk: Desk, who: Approver, form: Annotated[DecisionForm, Form()]
) -> Response:
    """Decide the revision that was shown; where it moved on, show what changed and decide nothing."""
    try:
        made = await desk.operations.decide(
            name,
            claim_id=form.claim_id,
            revision=form.revision,
            verdict=form.verdict,
            reason=form.reason,
            actor=who.name,
            keep_block=not form.lift_block,
            is_admin=who.role is Role.ADMIN,
            evidence_seen=form.evidence_seen,
        )
    except RefusedError as error:
        return await explained(request, desk, name, who, error, form.reason, form)
    if made.decision_id is None:
        return see_other(f"/holds/{made.id}", "hold_approved_first")
    return see_other(f"/holds/{made.id}", f"{_DECIDED[form.kind]}_{made.status}" if made.delivered else "told_later")


@router.post("/holds/{name}/undo")
async def undo(name: str, desk: Desk, who: Approver, reason: Remark = "") -> Response:
    """Take an approval back while its time runs."""
    await desk.operations.undo(name, actor=who.name, reason=reason.strip() or "taken back")
    return see_other(f"/holds/{name}", "approval_undone")


def _check(page: HoldPage, form: DecisionForm, who: Caller) -> None:
    """Refuse early what the decision would be refused for."""
    if not page.is_open:
        raise NothingToDecideError(page.hold.customer_id, f"it was {page.proposal.status} already")
    if form.revision != page.proposal.revision:
        raise StaleRevisionError(form.revision, page.proposal.revision)
    evidence.refuse_unseen(page.evidence, form.evidence_seen, actor=who.name)
