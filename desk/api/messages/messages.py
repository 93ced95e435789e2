"""Drafted messages over HTTP: list, look, edit, claim, approve or discard, recall, and mend their delivery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response
from pydantic import BeforeValidator, Field
from sqlalchemy.orm import Session

from credit.states import MessageStatus, MessageVerdict, TextFormat
from db.errors import (
    ClaimedByAnotherError,
    ClaimLostError,
    MessageClosedError,
    StaleRevisionError,
    TooLateError,
    UnknownMessageError,
)
from db.messages import messages
from db.models import Message
from desk import paging
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
    revision_of,
)
from desk.etags import revised
from desk.problems import refuses
from desk.surroundings import Surroundings, in_transaction
from rendering.renderer import RendererAwayError
from rendering.texts import aside, unified_difference
from services.holds.answers import Claim
from services.messages import answers

router = api_router("messages", "/api/messages")

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


class NewMessageDecision(Body):
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


@router.get("")
async def list_messages(
    page: paging.Page,
    desk: Desk,
    _: Viewer,
    status: Annotated[MessageStatus | None, Query(description="Only these; the unsent ones by default.")] = None,
) -> answers.MessageList:
    """List messages, oldest first: those that are still to leave, or those in one status."""
    after = paging.moment_and(UUID, page.cursor)

    def read(session: Session) -> answers.MessageList:
        rows = messages.listed(session, status, page.limit + 1, after=after)
        found, following = page.cut(rows, lambda row: (row.drafted_at.isoformat(), str(row.id)))
        return answers.MessageList.of(session, found, datetime.now(UTC), following)

    return await in_transaction(desk, read)


@router.get("/{message_id}")
@refuses(UnknownMessageError)
async def show(message_id: UUID, desk: Desk, _: Viewer, response: Response) -> answers.Message:
    """Show a message with its revisions and deliveries. The ETag is its revision."""
    return await _shown(desk, message_id, response)


@router.put("/{message_id}")
@refuses(UnknownMessageError, MessageClosedError, StaleTextError, ClaimedByAnotherError, RendererAwayError)
async def edit(
    message_id: UUID, body: NewText, desk: Desk, who: Editor, response: Response, if_match: IfMatch = None
) -> answers.Message:
    """Write the next revision. Refused with the difference where somebody else changed the text meanwhile."""
    async with _difference_shown(desk, message_id):
        text = vars(body) | {"revision": revision_of(if_match, body.revision)}
        await desk.messages.edit(message_id, **text, actor=who.name)
    return await _shown(desk, message_id, response)


@router.post("/{message_id}/claim", status_code=HTTPStatus.CREATED)
@refuses(UnknownMessageError, MessageClosedError, ClaimedByAnotherError)
async def claim(message_id: UUID, desk: Desk, who: Sender) -> Claim:
    """Claim a message under review, or renew your claim."""
    held, message = await desk.messages.claim(message_id, actor=who.name)
    return Claim.of(held, message.revision)


@router.delete("/{message_id}/claim/{claim_id}", status_code=HTTPStatus.NO_CONTENT)
async def release_claim(message_id: UUID, claim_id: UUID, desk: Desk, who: Sender) -> None:
    """Give your claim back undecided; does nothing where it has ended."""
    del message_id  # the claim's id says whose it is
    await desk.messages.release_claim(claim_id, actor=who.name)


@router.post("/{message_id}/decision", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownMessageError, MessageClosedError, ClaimLostError, StaleTextError)
async def decide(
    message_id: UUID, body: NewMessageDecision, desk: Desk, who: Sender, if_match: IfMatch = None
) -> answers.MessageDecision:
    """Approve or discard exactly the revision shown. An approved one leaves after its cooling-off."""
    async with _difference_shown(desk, message_id):
        return await desk.messages.decide(
            message_id,
            claim_id=body.claim,
            revision=revision_of(if_match, body.revision),
            verdict=body.decision,
            reason=body.reason,
            actor=who.name,
        )


@router.post("/{message_id}/recall")
@refuses(UnknownMessageError, MessageClosedError, TooLateError)
async def recall(message_id: UUID, body: Reason, desk: Desk, who: Sender, response: Response) -> answers.Message:
    """Take an approval back before the message leaves; it is under review again."""
    await desk.messages.recall(message_id, actor=who.name, reason=body.reason)
    return await _shown(desk, message_id, response)


@router.post("/{message_id}/delivery", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownMessageError, MessageClosedError)
async def settle(message_id: UUID, body: Fate, desk: Desk, who: Sender, response: Response) -> answers.Message:
    """Say whether a message arrived whose answer was lost: it counts as sent, or is sent again."""
    await desk.messages.settle_unknown(message_id, arrived=body.arrived, actor=who.name, reason=body.reason)
    return await _shown(desk, message_id, response)


@router.post("/{message_id}/delivery/retry", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownMessageError, MessageClosedError)
async def retry(message_id: UUID, body: Reason, desk: Desk, who: Sender, response: Response) -> answers.Message:
    """Try again now to send a message that the mail server refused or put off."""
    await desk.messages.retry_delivery(message_id, actor=who.name, reason=body.reason)
    return await _shown(desk, message_id, response)


async def _shown(desk: Surroundings, message_id: UUID, response: Response) -> answers.Message:
    def read(session: Session) -> answers.Message:
        return answers.Message.whole(session, messages.find(session, message_id), datetime.now(UTC))

    return revised(response, await in_transaction(desk, read))


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
