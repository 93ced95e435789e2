"""Drafted messages over HTTP: list, look, edit, claim, approve or discard, recall, and mend their delivery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field
from sqlalchemy.orm import Session

from credit.states import MessageStatus, MessageVerdict, TextFormat
from db.errors import StaleRevisionError
from db.messages import messages
from db.models import Message
from desk import paging
from desk.api import answers
from desk.api import message_answers as about
from desk.api.common import (
    Body,
    Desk,
    Editor,
    IfMatch,
    Reason,
    Sender,
    Text,
    Viewer,
    Why,
    Word,
    api_router,
    fresh,
    revised,
    revision_of,
)
from desk.problems import documented
from desk.surroundings import Surroundings, in_transaction
from rendering.texts import aside, unified_difference
from services.answers import Document
from services.holds import documents

router = api_router("messages", "/api/messages")

_MISSING = documented(HTTPStatus.NOT_FOUND)
_REFUSED = documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
_STALE = _REFUSED | documented(HTTPStatus.PRECONDITION_FAILED)

Revision = Annotated[int | None, Field(ge=1, lt=2**31)]


class StaleTextError(StaleRevisionError):
    """Somebody changed the text since it was shown; `difference` is a unified diff from then to now."""

    def __init__(self, error: StaleRevisionError, difference: str) -> None:
        super().__init__(error.shown, error.current)
        self.args = (f"you were shown revision {error.shown}, the text is at revision {error.current}: read it again",)
        self.difference = difference


class NewText(Body):
    """The whole text of the next revision."""

    revision: Revision = None
    """The revision that was edited; required without `If-Match`."""
    subject: Annotated[Text, Field(min_length=1, max_length=998)]
    body: Annotated[Text, Field(min_length=1)]
    recipient: Annotated[str, Field(max_length=320), Word] | None = None
    format: TextFormat = TextFormat.TEXT


def _declined(verdict: object) -> object:
    return MessageVerdict.DISCARD if verdict == "decline" else verdict


class NewDecision(Body):
    """What was decided about the revision that was shown; `decline` means `discard`."""

    claim: UUID
    revision: Revision = None
    """Required without `If-Match`."""
    decision: Annotated[MessageVerdict, BeforeValidator(_declined)]
    reason: Why


class Fate(Body):
    """Whether a message arrived whose delivery nobody answered for, and how that was found out."""

    arrived: bool
    reason: Why


@router.get("", response_model=about.MessageList)
async def list_messages(
    request: Request,
    desk: Desk,
    _: Viewer,
    status: Annotated[MessageStatus | None, Query(description="Only these; the unsent ones by default.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List messages, oldest first: those that are still to leave, or those in one status."""
    after = paging.moment_and_id(cursor)

    def read(session: Session) -> tuple[Document, str | None]:
        found = messages.listed(session, status, limit + 1, after=after)
        page, following = paging.cut(found, limit, lambda row: (row.drafted_at.isoformat(), str(row.id)))
        rows = documents.message_list(session, page, datetime.now(UTC))
        return rows | {"next_cursor": following}, following

    document, following = await in_transaction(desk, read)
    return fresh(request, document, paging.next_link(request, following))


@router.get("/{message_id}", response_model=about.Message, responses=_MISSING)
async def show(message_id: UUID, desk: Desk, _: Viewer) -> Response:
    """Show a message with its revisions and deliveries. The ETag is its revision."""
    return await _shown(desk, message_id)


@router.put("/{message_id}", response_model=about.Message, responses=_STALE)
async def edit(message_id: UUID, body: NewText, desk: Desk, who: Editor, if_match: IfMatch = None) -> Response:
    """Write the next revision. Refused with the difference where somebody else changed the text meanwhile."""
    async with _difference_shown(desk, message_id):
        await desk.messages.edit(
            message_id,
            revision=revision_of(if_match, body.revision),
            subject=body.subject,
            body=body.body,
            recipient=body.recipient,
            format=body.format,
            actor=who.name,
        )
    return await _shown(desk, message_id)


@router.post("/{message_id}/claim", status_code=HTTPStatus.CREATED, response_model=answers.Claim, responses=_REFUSED)
async def claim(message_id: UUID, desk: Desk, who: Sender) -> Response:
    """Claim a message under review, or renew your claim."""
    held, message = await desk.messages.claim(message_id, actor=who.name)
    return JSONResponse(documents.claimed(held, message.revision), HTTPStatus.CREATED)


@router.delete("/{message_id}/claim/{claim_id}", status_code=HTTPStatus.NO_CONTENT)
async def release_claim(message_id: UUID, claim_id: UUID, desk: Desk, who: Sender) -> Response:
    """Give your claim back undecided; does nothing where it has ended."""
    del message_id  # the claim's id says whose it is
    await desk.messages.release_claim(claim_id, actor=who.name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{message_id}/decision",
    status_code=HTTPStatus.ACCEPTED,
    response_model=about.MessageDecision,
    responses=_STALE,
)
async def decide(message_id: UUID, body: NewDecision, desk: Desk, who: Sender, if_match: IfMatch = None) -> Response:
    """Approve or discard exactly the revision shown. An approved one leaves after its cooling-off."""
    async with _difference_shown(desk, message_id):
        decided = await desk.messages.decide(
            message_id,
            claim_id=body.claim,
            revision=revision_of(if_match, body.revision),
            verdict=body.decision,
            reason=body.reason,
            actor=who.name,
        )
    return JSONResponse(decided.document(), HTTPStatus.ACCEPTED)


@router.post("/{message_id}/recall", response_model=about.Message, responses=_REFUSED)
async def recall(message_id: UUID, body: Reason, desk: Desk, who: Sender) -> Response:
    """Take an approval back before the message leaves; it is under review again."""
    await desk.messages.recall(message_id, actor=who.name, reason=body.reason)
    return await _shown(desk, message_id)


@router.post(
    "/{message_id}/delivery", status_code=HTTPStatus.ACCEPTED, response_model=about.Message, responses=_REFUSED
)
async def settle(message_id: UUID, body: Fate, desk: Desk, who: Sender) -> Response:
    """Say whether a message arrived whose answer was lost: it counts as sent, or is sent again."""
    await desk.messages.settle_unknown(message_id, arrived=body.arrived, actor=who.name, reason=body.reason)
    return await _shown(desk, message_id, HTTPStatus.ACCEPTED)


@router.post(
    "/{message_id}/delivery/retry", status_code=HTTPStatus.ACCEPTED, response_model=about.Message, responses=_REFUSED
)
async def retry(message_id: UUID, body: Reason, desk: Desk, who: Sender) -> Response:
    """Try again now to send a message that the mail server refused or put off."""
    await desk.messages.retry_delivery(message_id, actor=who.name, reason=body.reason)
    return await _shown(desk, message_id, HTTPStatus.ACCEPTED)


async def _shown(desk: Surroundings, message_id: UUID, status: HTTPStatus = HTTPStatus.OK) -> Response:
    document = await in_transaction(
        desk, lambda session: documents.message(session, messages.find(session, message_id), datetime.now(UTC))
    )
    return revised(document, document["revision"], status)


@asynccontextmanager
async def _difference_shown(desk: Surroundings, message_id: UUID) -> AsyncIterator[None]:
    """Add to a refusal of a stale revision what changed since."""
    try:
        yield
    except StaleRevisionError as error:
        message = await in_transaction(desk, messages.find, message_id)
        difference = await aside(_difference, message, error.shown)
        raise StaleTextError(error, difference) from error


def _difference(message: Message, shown: int) -> str:
    texts = {
        row.revision: f"To: {row.recipient or ''}\nSubject: {row.subject}\n\n{row.body}" for row in message.revisions
    }
    names = f"revision {shown}", f"revision {message.revision}"
    return unified_difference(texts.get(shown, ""), texts[message.revision], *names)
