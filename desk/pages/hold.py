"""`/holds/{id}`: the evidence, the decision, and what became of it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from markupsafe import Markup
from pydantic import BaseModel, Field, ValidationError

from credit.facts import Facts
from credit.permissions import Role
from credit.states import Beat, ProposalStatus, Verdict
from db.errors import ClaimedByAnotherError, NothingToDecideError, RefusedError, StaleRevisionError
from db.repositories.tokens import Caller
from desk.flashes import see_other
from desk.pages import hold_context
from desk.pages.book import moved
from desk.pages.common import Approver, Desk, Mender, Viewer, refused
from desk.pages.hold_context import HoldPage
from desk.rendering import markup, part, render
from desk.surroundings import Surroundings, in_transaction
from starter.operations import ApprovedFirst

router = APIRouter(include_in_schema=False)

Reason = Annotated[str, Form(max_length=2000)]


@router.get("/holds/{name}")
async def show(request: Request, name: str, desk: Desk, who: Viewer) -> Response:
    """Show a hold; `name` is its id or its customer's."""
    return await _page(request, desk, name, who)


@router.get("/holds/{name}/live")
async def live(request: Request, name: str, desk: Desk, who: Viewer, seen: str = "", shown: str = "") -> Response:
    """The part that moves while the hold is carried out; 204 where the page has `seen` it already."""
    page = await _read(desk, name, who)
    body, digest = _live(request, page, shown)
    if digest == seen:
        return Response(status_code=204)
    return part(request, "hold_live_answer.html", page=page, live=body, digest=digest, shown=shown)


class DecisionForm(BaseModel):
    """What the steps of a decision carry: the claim, and exactly what was shown."""

    claim_id: UUID
    revision: int
    verdict: Verdict
    shown: str = ""
    """The proposal's facts as JSON, only ever shown back to who sent them."""
    reason: str = Field("", max_length=2000)

    def moved_to(self, facts: Facts) -> list[tuple[str, str, str]]:
        """Return which facts differ from those that were shown."""
        try:
            return moved(Facts.model_validate_json(self.shown), facts)
        except ValidationError:
            return []


@router.post("/holds/{name}/claim")
async def claim(request: Request, name: str, desk: Desk, who: Approver, reason: Reason = "") -> Response:
    """Claim the open proposal; a reason that was written already is kept."""
    try:
        await desk.operations.claim(name, actor=who.name)
    except ClaimedByAnotherError as error:
        return await _explained(request, desk, name, who, error, reason)
    if reason:
        return await _page(request, desk, name, who, reason=reason)
    return see_other(f"/holds/{name}", "claimed")


@router.post("/holds/{name}/give-back")
async def give_back(name: str, desk: Desk, who: Approver, claim_id: Annotated[UUID, Form()]) -> Response:
    """Give the claim back undecided."""
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
    if not form.reason.strip():
        problem = "Give a reason: it is kept with the decision, and the next proposal shows it."
        return await _page(request, desk, name, who, status=422, problem=problem, verdict=form.verdict)
    page = await _read(desk, name, who)
    try:
        _check(page, form)
    except RefusedError as error:
        return await _explained(request, desk, name, who, error, form.reason, form)
    return render(request, "hold_confirm.html", page=page, form=form)


@router.post("/holds/{name}/decision")
async def decide(
    request: Request, name: str, desk: Desk, who: Approver, form: Annotated[DecisionForm, Form()]
) -> Response:
    """Decide the revision that was shown; where it moved on, show what changed and decide nothing."""
    if not form.reason.strip():
        return await confirm(request, name, desk, who, form)
    try:
        made = await desk.operations.decide(
            name,
            claim_id=form.claim_id,
            revision=form.revision,
            verdict=form.verdict,
            reason=form.reason.strip(),
            actor=who.name,
            is_admin=who.role is Role.ADMIN,
        )
    except RefusedError as error:
        return await _explained(request, desk, name, who, error, form.reason, form)
    if isinstance(made, ApprovedFirst):
        return see_other(f"/holds/{made.hold_id}", "hold_approved_first")
    return see_other(f"/holds/{made.hold_id}", f"hold_{made.status}" if made.delivered else "told_later")


@router.post("/holds/{name}/undo")
async def undo(request: Request, name: str, desk: Desk, who: Approver, reason: Reason = "") -> Response:
    """Take an approval back while its time runs."""
    try:
        await desk.operations.undo(name, actor=who.name, reason=reason.strip() or "taken back")
    except RefusedError as error:
        return await _explained(request, desk, name, who, error)
    return see_other(f"/holds/{name}", "approval_undone")


@router.post("/holds/{name}/beats/{beat}/retry")
async def retry(request: Request, name: str, beat: Beat, desk: Desk, who: Mender, reason: Reason = "") -> Response:
    """Try a beat again now."""
    try:
        await desk.operations.retry_beat(name, beat=beat, actor=who.name, reason=reason.strip())
    except RefusedError as error:
        return await _explained(request, desk, name, who, error)
    return see_other(f"/holds/{name}#beats", "beat_retried")


def _check(page: HoldPage, form: DecisionForm) -> None:
    """Refuse early what the decision would be refused for."""
    if not page.is_open:
        raise NothingToDecideError(page.hold.customer_id, f"it was {page.proposal.status} already")
    if form.revision != page.proposal.revision:
        raise StaleRevisionError(form.revision, page.proposal.revision)


async def _read(desk: Surroundings, name: str, who: Caller) -> HoldPage:
    return await in_transaction(desk, lambda session: hold_context.read(session, name, who, datetime.now(UTC)))


async def _page(
    request: Request,
    desk: Surroundings,
    name: str,
    who: Caller,
    *,
    status: int = 200,
    problem: str = "",
    reason: str = "",
    verdict: Verdict | None = None,
    changed: Sequence[tuple[str, str, str]] = (),
) -> Response:
    page = await _read(desk, name, who)
    body, digest = _live(request, page, page.standing)
    return render(
        request,
        "hold.html",
        status,
        page=page,
        book=page.book,
        live=body,
        digest=digest,
        shown=page.standing,
        problem=problem,
        reason=reason,
        verdict=verdict,
        changed=changed,
    )


async def _explained(
    request: Request,
    desk: Surroundings,
    name: str,
    who: Caller,
    error: RefusedError,
    reason: str = "",
    form: DecisionForm | None = None,
) -> Response:
    """Answer a refusal with the page as it is now, what was refused and why, and what the person had written."""
    status = await refused(request, error)
    page = await _read(desk, name, who)
    changed = form.moved_to(page.facts) if form and form.revision != page.proposal.revision else ()
    return await _page(request, desk, name, who, status=status, problem=str(error), reason=reason, changed=changed)


def _live(request: Request, page: HoldPage, shown: str) -> tuple[Markup, str]:
    """Return the moving part and its digest. `shown`: how the hold stands on the rest of the page.

    Where somebody may be about to decide, the rest stays as it is and is said to be out of date.
    """
    deciding = f"|{ProposalStatus.OPEN}|" in shown
    body = markup(request, "hold_live.html", page=page, moved_on=deciding and shown != page.standing)
    return body, hashlib.sha256(f"{page.standing}{page.undo_until}{body}".encode()).hexdigest()[:16]
