"""What people do with drafted messages: the one authority behind the CLI and the desk.

Each function checks, writes its row in one transaction, and then tells the message's workflow. Where telling fails the
row stands: the relay delivers it, and the workflow looks at the row before it sends anything.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError

from credit.states import MessageVerdict, TextFormat
from db.act import Act, acting
from db.engine import in_transaction
from db.errors import BadInputError
from db.holds import claims
from db.messages import deliveries, messages, review
from db.models import Claim, Message
from rendering.renderer import BeyondLimitsError
from rendering.texts import aside, html_of
from services.messages.answers import MessageDecision
from services.outboxes import MESSAGE_DECISIONS
from services.relay import PATIENCE, deliver_now
from workflows.contract import RecallSignal, RetrySignal, message_workflow_id


class MessageOperations:
    """Everything that can be done with a message, on one database and one Temporal namespace."""

    def __init__(self, engine: Engine, client: Client) -> None:
        self._engine = engine
        self._client = client

    async def claim(self, message_id: UUID, *, actor: str) -> tuple[Claim, Message]:
        """Claim a message under review for `actor`; renews a claim `actor` has.

        Raises:
            UnknownMessageError, MessageClosedError, ClaimedByAnotherError: as they say.
        """
        return await acting(self._engine, actor, review.claim, message_id)

    async def release_claim(self, claim_id: UUID, *, actor: str) -> None:
        """Give a claim back undecided; does nothing where it has ended already or is not the actor's."""
        await acting(self._engine, actor, claims.release, claim_id)

    async def edit(
        self,
        message_id: UUID,
        *,
        revision: int,
        subject: str,
        body: str,
        recipient: str | None,
        format: TextFormat,  # noqa: A002 (the field's name)
        actor: str,
    ) -> Message:
        """Write the next revision of a message under review; an unchanged text makes none.

        Raises:
            UnknownMessageError, MessageClosedError, StaleRevisionError, ClaimedByAnotherError, BadInputError:
            nothing was written.
            RendererAwayError: whether its Markdown can be laid out cannot be found out right now.
        """
        try:
            if format is TextFormat.MARKDOWN:
                await aside(html_of, body, format)
        except BeyondLimitsError as error:
            raise BadInputError(str(error)) from error
        return await acting(
            self._engine,
            actor,
            review.edit,
            message_id,
            revision=revision,
            subject=subject,
            body=body,
            recipient=recipient,
            format=format,
        )

    async def decide(
        self, message_id: UUID, *, claim_id: UUID, revision: int, verdict: MessageVerdict, reason: str, actor: str
    ) -> MessageDecision:
        """Approve or discard the revision shown of a claimed message. An approved one is sent after its cooling-off.

        Raises:
            UnknownMessageError, MessageClosedError, ClaimLostError, StaleRevisionError, BadInputError: nothing was
            decided.
        """
        decision_id, message = await acting(
            self._engine,
            actor,
            _decide,
            message_id,
            claim_id=claim_id,
            revision=revision,
            verdict=verdict,
            reason=reason,
        )
        to_send = review.Undelivered(decision_id, message_id)
        delivered = await deliver_now(self._client, self._engine, MESSAGE_DECISIONS, to_send)
        return MessageDecision.of_row(message, decision_id=decision_id, delivered=delivered)

    async def recall(self, message_id: UUID, *, actor: str, reason: str) -> Message:
        """Take an approval back before the message leaves; it is under review again.

        Raises:
            UnknownMessageError, MessageClosedError: no approval stands.
            TooLateError: it has left, or may have.
        """
        decision = await acting(self._engine, actor, review.recall, message_id, reason=reason)
        await self._tell(message_id, "recall", RecallSignal(decision_id=decision.id))
        return await self.read(message_id)

    async def retry_delivery(self, message_id: UUID, *, actor: str, reason: str) -> Message:
        """Try again now to send a message that the mail server refused or put off.

        Raises:
            UnknownMessageError, MessageClosedError: it is not waiting for another try.
        """
        await acting(self._engine, actor, deliveries.retry, message_id, reason=reason)
        await self._tell(message_id, "retry", RetrySignal())
        return await self.read(message_id)

    async def settle_unknown(self, message_id: UUID, *, arrived: bool, actor: str, reason: str) -> Message:
        """Say whether a message left whose answer was lost: it counts as sent, or is sent again.

        Raises:
            UnknownMessageError, MessageClosedError: its fate is not unknown.
        """
        await acting(self._engine, actor, deliveries.settle, message_id, arrived=arrived, reason=reason)
        await self._tell(message_id, "retry", RetrySignal())
        return await self.read(message_id)

    async def read(self, message_id: UUID) -> Message:
        """Return a message with its revisions.

        Raises:
            UnknownMessageError: there is none.
        """
        return await in_transaction(self._engine, messages.find, message_id)

    async def _tell(self, message_id: UUID, signal: str, payload: BaseModel) -> None:
        with suppress(RPCError, RuntimeError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._client.get_workflow_handle(message_workflow_id(message_id)).signal(signal, payload)


def _decide(
    act: Act, message_id: UUID, *, claim_id: UUID, revision: int, verdict: MessageVerdict, reason: str
) -> tuple[UUID, Message]:
    decision = review.decide(act, message_id, claim_id=claim_id, revision=revision, verdict=verdict, reason=reason)
    return decision.id, messages.find(act.session, message_id)
