"""What the handlers under `/holds/{id}` answer with: the page as it is now, and why something was refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError

from credit.facts import Facts
from credit.reason import Reason
from credit.states import ProposalKind, Verdict
from db.errors import RefusedError
from db.holds.evidence import Said
from db.people.tokens import Caller
from desk.pages.common import refused
from desk.pages.holds import context as hold_context
from desk.pages.holds.context import HoldPage
from desk.pages.receivables.book import moved
from desk.rendering import render_live
from desk.surroundings import Surroundings, in_transaction


class DecisionForm(BaseModel):
    """What the steps of a decision carry: the claim, and exactly what was shown."""

    claim_id: UUID
    revision: int
    verdict: Verdict
    kind: ProposalKind = ProposalKind.PLACE
    """Of the proposal that was shown: how a page says what was decided."""
    shown: str = ""
    """The proposal's facts as JSON, only ever shown back to who sent them."""
    evidence_seen: int | None = Field(None, ge=0)
    """How many reasons of people were shown; None where a page did not say."""
    reason: Reason = Field("", validate_default=True)
    lift_block: bool = False
    """With a decline: whether the credit hold that auto-apply made is lifted too."""

    def moved_to(self, facts: Facts) -> list[tuple[str, str, str]]:
        try:
            return moved(Facts.model_validate_json(self.shown), facts)
        except ValidationError:
            return []


async def read(desk: Surroundings, name: str, who: Caller) -> HoldPage:
    """Read everything a hold's pages show.

    Raises:
        UnknownHoldError: nothing matches.
    """
    return await in_transaction(desk, hold_context.read, name, who, datetime.now(UTC))


async def answer(
    request: Request,
    desk: Surroundings,
    name: str,
    who: Caller,
    *,
    status: int = 200,
    problem: str = "",
    reason: str = "",
    changed: Sequence[tuple[str, str, str]] = (),
    unseen: Sequence[Said] = (),
) -> Response:
    """Return the page of a hold, with what the person had written."""
    page = await read(desk, name, who)
    return render_live(
        request,
        "holds/hold.html",
        status,
        address=f"/holds/{page.hold.id}",
        every=page.poll_seconds,
        page=page,
        book=page.book,
        problem=problem,
        reason=reason,
        changed=changed,
        unseen=unseen,
    )


async def explained(
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
    page = await read(desk, name, who)
    changed = form.moved_to(page.facts) if form and form.revision != page.proposal.revision else ()
    unseen = page.evidence[form.evidence_seen :] if form and form.evidence_seen is not None else ()
    return await answer(
        request, desk, name, who, status=status, problem=str(error), reason=reason, changed=changed, unseen=unseen
    )
