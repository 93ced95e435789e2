"""`/messages/{id}`: edit a drafted e-mail, see it as it will arrive, approve exactly that, take it back."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from pydantic import BaseModel, Field

from credit.states import MessageVerdict, TextFormat
from db.errors import MessageClosedError, RefusedError, StaleRevisionError
from db.models import MessageRevision
from desk.flashes import see_other
from desk.pages.common import Desk, Editor, Reason, Remark, Sender, Viewer, a_reason, refused
from desk.pages.messages import context as message_context
from desk.pages.messages.context import MessagePage
from desk.rendering import part, render, render_live
from desk.security import MAIL_PREVIEW_POLICY
from desk.surroundings import Surroundings, in_transaction
from rendering.renderer import BeyondLimitsError, RendererAwayError
from rendering.texts import aside, html_of

router = APIRouter(include_in_schema=False)


class TextForm(BaseModel):
    """What the form of the text carries; `revision` is the one that was shown."""

    revision: int = 0
    recipient: str = Field("", max_length=320)
    subject: str = Field("", max_length=1000)
    format: TextFormat = TextFormat.TEXT
    body: str = Field("", max_length=200_000)

    def says(self, text: MessageRevision) -> bool:
        mine = (self.recipient.strip(), self.subject, self.format, self.body.strip())
        return mine == (text.recipient or "", text.subject, text.format, text.body.strip())


class DecisionForm(BaseModel):
    claim_id: UUID
    revision: int
    verdict: MessageVerdict
    reason: str = Field("", max_length=2000)


@router.get("/messages/{message_id}")
async def show(
    request: Request, message_id: UUID, desk: Desk, _: Viewer, before: int | None = None, after: int | None = None
) -> Response:
    """Show a message; with `before` and `after` the difference of these revisions."""
    return await _page(request, desk, message_id, compared=(before, after))


@router.get("/messages/{message_id}/preview")
async def preview(request: Request, message_id: UUID, desk: Desk, _: Viewer, revision: int) -> Response:
    page = await _read(desk, message_id)
    text = next((one for one in page.message.revisions if one.revision == revision), page.text)
    form = TextForm(recipient=text.recipient or "", subject=text.subject, format=text.format, body=text.body)
    return await _mail(request, desk, form, page.header)


@router.post("/messages/{message_id}/preview")
async def preview_unsaved(
    request: Request, message_id: UUID, desk: Desk, _: Editor, form: Annotated[TextForm, Form()]
) -> Response:
    """Show what stands in the form as it would arrive; keeps nothing."""
    del message_id
    return await _mail(request, desk, form)


@router.post("/messages/{message_id}")
async def save(
    request: Request, message_id: UUID, desk: Desk, who: Editor, form: Annotated[TextForm, Form()]
) -> Response:
    """Write the next revision; what was typed stays in the form where it is refused."""
    try:
        message = await desk.messages.edit(message_id, **vars(form), actor=who.name)
    except RefusedError as error:
        return await _explained(request, desk, message_id, error, form=form, shown=form.revision)
    unchanged = message.revision == form.revision
    return see_other(f"/messages/{message_id}", "message_unchanged" if unchanged else "message_saved")


@router.post("/messages/{message_id}/claim")
async def claim(
    request: Request, message_id: UUID, desk: Desk, who: Sender, form: Annotated[TextForm, Form()]
) -> Response:
    """Claim the message; a text that was typed before comes along, unsaved."""
    try:
        await desk.messages.claim(message_id, actor=who.name)
    except RefusedError as error:
        return await _explained(request, desk, message_id, error, form=form)
    page = await _read(desk, message_id)
    shown = next((one for one in page.message.revisions if one.revision == form.revision), None)
    if shown is None or form.says(shown):
        return see_other(f"/messages/{message_id}", "claimed")
    stale = form.revision if form.revision != page.message.revision else None
    return await _page(request, desk, message_id, form=form, stale=stale, claimed=True)


@router.post("/messages/{message_id}/give-back")
async def give_back(message_id: UUID, desk: Desk, who: Sender, claim_id: Annotated[UUID, Form()]) -> Response:
    await desk.messages.release_claim(claim_id, actor=who.name)
    return see_other(f"/messages/{message_id}", "given_back")


@router.post("/messages/{message_id}/confirm")
async def confirm(
    request: Request, message_id: UUID, desk: Desk, _: Sender, form: Annotated[DecisionForm, Form()]
) -> Response:
    """Show exactly what is about to be approved or discarded; decides nothing."""
    page = await _read(desk, message_id)
    try:
        if not page.under_review:
            raise MessageClosedError(page.message.status, "pending review")
        if form.revision != page.message.revision:
            raise StaleRevisionError(form.revision, page.message.revision, "text")
    except RefusedError as error:
        return await _explained(request, desk, message_id, error, reason=form.reason, shown=form.revision)
    if form.verdict is MessageVerdict.DISCARD:
        a_reason(form.reason)
    return render(request, "messages/confirm.html", page=page, form=form, sender=desk.settings.mail_from)


@router.post("/messages/{message_id}/decision")
async def decide(
    request: Request, message_id: UUID, desk: Desk, who: Sender, form: Annotated[DecisionForm, Form()]
) -> Response:
    """Decide the revision that was shown; where somebody changed it meanwhile, show the difference, decide nothing."""
    try:
        made = await desk.messages.decide(
            message_id,
            claim_id=form.claim_id,
            revision=form.revision,
            verdict=form.verdict,
            reason=form.reason.strip(),
            actor=who.name,
        )
    except RefusedError as error:
        return await _explained(request, desk, message_id, error, reason=form.reason, shown=form.revision)
    at_once = made.send_after is not None and made.send_after <= datetime.now(UTC)
    done = "message_leaving" if at_once else f"message_{made.status}"
    return see_other(f"/messages/{message_id}", done if made.delivered else "told_later")


@router.post("/messages/{message_id}/recall")
async def recall(message_id: UUID, desk: Desk, who: Sender, reason: Remark = "") -> Response:
    await desk.messages.recall(message_id, actor=who.name, reason=reason.strip())
    return see_other(f"/messages/{message_id}", "message_recalled")


@router.post("/messages/{message_id}/retry")
async def retry(message_id: UUID, desk: Desk, who: Sender, reason: Remark = "") -> Response:
    await desk.messages.retry_delivery(message_id, actor=who.name, reason=reason.strip())
    return see_other(f"/messages/{message_id}", "delivery_retried")


@router.post("/messages/{message_id}/settle")
async def settle(
    message_id: UUID, desk: Desk, who: Sender, arrived: Annotated[bool, Form()], reason: Reason
) -> Response:
    """Say whether a mail arrived whose answer was lost."""
    await desk.messages.settle_unknown(message_id, arrived=arrived, actor=who.name, reason=reason)
    return see_other(f"/messages/{message_id}", "delivery_settled")


async def _read(desk: Surroundings, message_id: UUID) -> MessagePage:
    return await in_transaction(desk, message_context.read, message_id, datetime.now(UTC))


async def _page(
    request: Request,
    desk: Surroundings,
    message_id: UUID,
    *,
    status: int = 200,
    problem: str = "",
    reason: str = "",
    form: TextForm | None = None,
    compared: tuple[int | None, int | None] = (None, None),
    stale: int | None = None,
    claimed: bool = False,
) -> Response:
    """Show the page.

    `stale`: the revision that somebody acted on while another was made. `claimed`: who typed has just claimed it.
    """
    page = await _read(desk, message_id)
    text = page.text
    newest = page.message.revision
    before, after = stale or compared[0] or 1, compared[1] or newest
    return render_live(
        request,
        "messages/message.html",
        status,
        address=f"/messages/{message_id}",
        every=page.poll_seconds,
        page=page,
        form=form or TextForm(recipient=text.recipient or "", subject=text.subject, format=text.format, body=text.body),
        typed=form is not None,
        claimed=claimed,
        problem=problem,
        reason=reason,
        compared=(before, after),
        difference=await aside(page.difference, before, after) if newest > 1 else None,
        changed_meanwhile=stale is not None,
        sender=desk.settings.mail_from,
    )


async def _explained(
    request: Request,
    desk: Surroundings,
    message_id: UUID,
    error: RefusedError,
    *,
    reason: str = "",
    form: TextForm | None = None,
    shown: int | None = None,
) -> Response:
    """Answer a refusal with the page as it is now, what changed since revision `shown`, and what was typed."""
    status = await refused(request, error)
    stale = shown if isinstance(error, StaleRevisionError) else None
    return await _page(
        request, desk, message_id, status=status, problem=str(error), reason=reason, form=form, stale=stale
    )


async def _mail(request: Request, desk: Surroundings, form: TextForm, header: str | None = None) -> HTMLResponse:
    """Show a mail; one that cannot be laid out as plain text, and why. Without a `header` it is just being typed."""
    problem, status = "", 200
    try:
        html = await aside(html_of, form.body, form.format)
    except (BeyondLimitsError, RendererAwayError) as error:
        problem, html = str(error), html_of(form.body, TextFormat.TEXT)
        status = 422 if header is None and isinstance(error, BeyondLimitsError) else 200
    safe = Markup(html)  # noqa: S704 (safe by its contract)
    about = {"sender": desk.settings.mail_from, "header": header, "problem": problem}
    response = part(request, "messages/mail.html", status, form=form, body=safe, **about)
    response.headers["Content-Security-Policy"] = MAIL_PREVIEW_POLICY
    return response
