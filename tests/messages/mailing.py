"""A test's view of drafted messages: made in a moment, reviewed as people do, looked at from outside."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle

from credit.states import HoldStatus, MessageKind, MessageVerdict, TextFormat
from db.act import Act
from db.engine import transaction
from db.errors import TooLateError
from db.messages import deliveries, messages, review, templates
from db.models import AuditEvent, Hold, Message
from services.answers import Document
from services.messages import answers
from services.messages.operations import MessageOperations
from tests.acting import acted
from tests.holds.helpers import events, until
from tests.world import World
from workflows.contract import OUTBOUND_MESSAGE, OutboundMessageInput, message_workflow_id

NOTICE, REP = MessageKind.CUSTOMER_NOTICE, MessageKind.SALES_REP


class Mailing:
    def __init__(self, world: World) -> None:
        self.world = world
        self.operations = MessageOperations(world.engine, world.client)

    async def draft(
        self,
        kind: MessageKind = NOTICE,
        *,
        recipient: str | None = "",
        subject: str = "Your account is on hold",
        start: bool = True,
    ) -> UUID:
        """A draft of a hold in force, as its beats leave it."""
        customer, hold, now = self.world.customer(in_netsuite=False), uuid4(), datetime.now(UTC)
        with transaction(self.world.engine) as session:
            session.add(
                Hold(
                    id=hold,
                    customer_id=customer,
                    status=HoldStatus.IN_FORCE,
                    reason="a test",
                    warnings=[],
                    run_id="none",
                    proposed_at=now,
                    in_force_at=now,
                )
            )
            session.flush()
            address = f"{kind}-{customer}@example.test".lower() if recipient == "" else recipient
            message = messages.draft(
                session,
                hold_id=hold,
                kind=kind,
                recipient=address,
                source=templates.find(session, "service_hold_customer_notice"),
                text=(subject, "Please pay.\n.\nThank you.\n"),
                at=now,
            )
        order = OutboundMessageInput(message_id=message, hold_id=hold, customer_id=customer, kind=kind, drafted_at=now)
        if start:
            await self.start(order)
        return message

    async def start(self, order: OutboundMessageInput) -> None:
        await self.world.client.start_workflow(
            OUTBOUND_MESSAGE,
            order,
            id=message_workflow_id(order.message_id),
            task_queue=self.world.settings.task_queue,
        )

    def order(self, message: UUID) -> OutboundMessageInput:
        """What the message's workflow starts from."""
        row, now = self.row(message), datetime.now(UTC)
        customer = self.show(message)["customer_id"]
        return OutboundMessageInput(
            message_id=message, hold_id=row.hold_id, customer_id=customer, kind=row.kind, drafted_at=now
        )

    async def edit(self, message: UUID, actor: str = "ann", **changes: Any) -> Message:
        shown = self.show(message)
        text = {name: shown[name] for name in ("revision", "subject", "body", "recipient")}
        text["format"] = TextFormat(shown["format"])
        return await self.operations.edit(message, **(text | changes), actor=actor)

    async def decide(self, message: UUID, verdict: MessageVerdict, actor: str = "mike") -> answers.MessageDecision:
        claim, shown = await self.operations.claim(message, actor=actor)
        return await self.operations.decide(
            message, claim_id=claim.id, revision=shown.revision, verdict=verdict, reason="as discussed", actor=actor
        )

    async def approve(self, message: UUID, actor: str = "mike") -> answers.MessageDecision:
        return await self.decide(message, MessageVerdict.APPROVE, actor)

    def decide_and_tell_nobody(
        self, message: UUID, verdict: MessageVerdict, *, clock_ahead: timedelta = timedelta(0)
    ) -> UUID:
        """What a crash right after the commit leaves."""
        now = datetime.now(UTC) + clock_ahead
        with transaction(self.world.engine) as session:
            claim, shown = review.claim(Act(session, "mike", now), message)
            return review.decide(
                Act(session, "mike", now),
                message,
                claim_id=claim.id,
                revision=shown.revision,
                verdict=verdict,
                reason="as discussed",
            ).id

    def retry_and_tell_nobody(self, message: UUID) -> None:
        acted(self.world.engine, "olga", deliveries.retry, message, reason="mended")

    def recall_and_tell_nobody(self, message: UUID) -> None:
        acted(self.world.engine, "ann", review.recall, message, reason="changed my mind")

    async def recall_between_attempts(self, message: UUID) -> None:
        """Recall a message that is being retried; while an attempt runs this is refused."""

        async def recalled() -> bool:
            try:
                await self.operations.recall(message, actor="ann", reason="changed my mind")
            except TooLateError:
                return False
            return True

        await until(recalled)

    def cooling_off(self, seconds: float) -> None:
        wait = timedelta(seconds=seconds)
        self.world.set_policy(notice_cooling_off=wait, rep_message_cooling_off=wait)

    def end_hold(self, message: UUID, status: HoldStatus = HoldStatus.RELEASED) -> None:
        values = {"status": status, "closed_at": datetime.now(UTC) if status is not HoldStatus.RELEASING else None}
        with transaction(self.world.engine) as session:
            session.execute(update(Hold).where(Hold.id == self.row(message).hold_id).values(**values))

    def row(self, message: UUID) -> Message:
        with transaction(self.world.engine) as session:
            return messages.find(session, message)

    def show(self, message: UUID) -> Document:
        with transaction(self.world.engine) as session:
            return answers.Message.whole(session, messages.find(session, message), datetime.now(UTC)).document()

    def audit(self, message: UUID, action: str) -> list[AuditEvent]:
        return events(self.world, self.row(message).hold_id, action)

    def handle(self, message: UUID) -> WorkflowHandle[Any, Any]:
        return self.world.client.get_workflow_handle(message_workflow_id(message))

    async def in_status(self, message: UUID, status: str) -> Document:
        await self.world.eventually(lambda: self.row(message).status == status)
        return self.show(message)

    async def in_delivery(self, message: UUID, delivery: str) -> Document:
        await self.world.eventually(lambda: self.row(message).delivery == delivery)
        return self.show(message)

    async def details(self, message: UUID) -> str:
        """The current details, as the Web UI asks for them."""
        metadata = await self.handle(message).query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return str(metadata.current_details)

    async def says(self, message: UUID, *words: str) -> None:
        """Wait until the current details say all this."""

        async def said() -> bool:
            details = await self.details(message)
            return all(word in details for word in words)

        await until(said)

    async def waits_on(self, message: UUID, whom: str) -> None:
        """Wait until the workflow's search attribute says so."""

        async def as_wanted() -> bool:
            found = (await self.handle(message).describe()).typed_search_attributes
            return {"WaitingOn": whom}.items() <= {one.key.name: one.value for one in found.search_attributes}.items()

        await until(as_wanted)
