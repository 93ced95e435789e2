"""What people do with drafted messages: the one authority behind the CLI and the desk.

Each function checks, writes its row in one transaction, and then tells the message's workflow. Where telling fails the
row stands: the relay delivers it, and the workflow looks at the row before it sends anything.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError

from credit.states import MessageVerdict, TextFormat
from db.engine import in_transaction
from db.errors import BadInputError
from db.holds import claims
from db.messages import deliveries, messages, review
from db.models import Claim, Message
from rendering.renderer import BeyondLimitsError
from rendering.texts import aside, html_of
from services.messages.answers import MessageDecision
from services.relay import deliver_message_decision
from workflows.contract import RecallSignal, RetrySignal, message_workflow_id

P = ParamSpec("P")
R = TypeVar("R")


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
        return await self._write(review.claim, message_id, actor=actor, now=datetime.now(UTC))

    async def release_claim(self, claim_id: UUID, *, actor: str) -> None:
        """Give a claim back undecided; does nothing where it has ended already or is not the actor's."""
        await self._write(claims.release, claim_id, actor=actor, now=datetime.now(UTC))

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
        return await self._write(
            review.edit,
            message_id,
            revision=revision,
            subject=subject,
            body=body,
            recipient=recipient,
            format=format,
            actor=actor,
            now=datetime.now(UTC),
        )

    async def decide(
        self, message_id: UUID, *, claim_id: UUID, revision: int, verdict: MessageVerdict, reason: str, actor: str
    ) -> MessageDecision:
        """Approve or discard the revision shown of a claimed message. An approved one is sent after its cooling-off.

        Raises:
            UnknownMessageError, MessageClosedError, ClaimLostError, StaleRevisionError, BadInputError: nothing was
            decided.
        """

        def write(session: Session) -> tuple[UUID, Message]:
            decision = review.decide(
                session,
                message_id,
                claim_id=claim_id,
                revision=revision,
                verdict=verdict,
                reason=reason,
                actor=actor,
                now=datetime.now(UTC),
            )
            return decision.id, messages.find(session, message_id)

        decision_id, message = await self._write(write)
        try:
            await deliver_message_decision(self._client, self._engine, decision_id, message_id)
        except (RPCError, RuntimeError, SQLAlchemyError):  # RuntimeError: the SDK's first connection
            delivered = False  # it stands: the relay delivers it
        else:
            delivered = True
        return MessageDecision.of_row(message, decision_id=decision_id, delivered=delivered)

    async def recall(self, message_id: UUID, *, actor: str, reason: str) -> Message:
        """Take an approval back before the message leaves; it is under review again.

        Raises:
            UnknownMessageError, MessageClosedError: no approval stands.
            TooLateError: it has left, or may have.
        """
        decision = await self._write(review.recall, message_id, actor=actor, reason=reason, now=datetime.now(UTC))
        await self._tell(message_id, "recall", RecallSignal(decision_id=decision.id))
        return await self.read(message_id)

    async def retry_delivery(self, message_id: UUID, *, actor: str, reason: str) -> Message:
        """Try again now to send a message that the mail server refused or put off.

        Raises:
            UnknownMessageError, MessageClosedError: it is not waiting for another try.
        """
        await self._write(deliveries.retry, message_id, actor=actor, reason=reason, now=datetime.now(UTC))
        await self._tell(message_id, "retry", RetrySignal())
        return await self.read(message_id)

    async def settle_unknown(self, message_id: UUID, *, arrived: bool, actor: str, reason: str) -> Message:
        """Say whether a message left whose answer was lost: it counts as sent, or is sent again.

        Raises:
            UnknownMessageError, MessageClosedError: its fate is not unknown.
        """
        await self._write(
            deliveries.settle, message_id, arrived=arrived, actor=actor, reason=reason, now=datetime.now(UTC)
        )
        await self._tell(message_id, "retry", RetrySignal())
        return await self.read(message_id)

    async def read(self, message_id: UUID) -> Message:
        """Return a message with its revisions.

        Raises:
            UnknownMessageError: there is none.
        """
        return await self._write(messages.find, message_id)

    async def _write(self, what: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await in_transaction(self._engine, what, *args, **kwargs)

    async def _tell(self, message_id: UUID, signal: str, payload: BaseModel) -> None:
        with suppress(RPCError, RuntimeError):
            await self._client.get_workflow_handle(message_workflow_id(message_id)).signal(signal, payload)
