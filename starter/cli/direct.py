"""What the command line asks for where no desk is configured: the same methods as `DeskClient`, on the database."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from sqlalchemy import Engine

from credit.permissions import Permission, Role
from credit.states import Beat, HoldStatus, MessageStatus, MessageVerdict, TextFormat, Verdict
from db.engine import transaction
from db.errors import UnknownMessageError
from db.holds import holds
from db.messages import messages
from db.people.tokens import Caller
from services.answers import Document
from services.holds import answers
from services.messages.answers import Message, MessageList
from services.people.absences import Absences
from starter.cli.direct_profiles import DirectProfiles

if TYPE_CHECKING:  # Temporal's library is slow to load: only where it is used
    from collections.abc import Awaitable, Callable

    from services.freight.profiles import Profiles
    from services.holds.operations import Operations
    from services.messages.operations import MessageOperations

T = TypeVar("T")


class Direct:
    """The database and Temporal, asked in one caller's name."""

    def __init__(
        self,
        engine: Engine,
        caller: Caller,
        operations: "Callable[[], Awaitable[Operations]]",
        message_operations: "Callable[[], Awaitable[MessageOperations]]",
        profiles: "Callable[[], Awaitable[Profiles]]",
    ) -> None:
        self._engine = engine
        self._caller = caller
        self._operations = operations
        self._message_operations = message_operations
        self._absences = Absences(engine)
        self.profiles = DirectProfiles(engine, caller, profiles)

    def start(self, customer_id: str, *, reason: str) -> Document:
        """Propose a hold; `created` tells whether it is new."""
        self._caller.require(Permission.START_HOLD)
        started = self._hold_work(lambda work: work.start_hold(customer_id, reason=reason, actor=self._caller.name))
        with transaction(self._engine) as session:
            hold = holds.find(session, str(started.hold_id))
            return answers.StartedHold.of(session, hold, created=started.created).document()

    def holds(self, status: HoldStatus | None) -> Document:
        """List holds: the open ones, or those in one status."""
        self._caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            return answers.HoldList.of(session, holds.listed(session, status)).model_dump(
                mode="json", exclude={"next_cursor"}
            )

    def hold(self, name: str) -> Document:
        """Return one hold whole."""
        self._caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            return answers.Hold.whole(session, holds.find(session, name), datetime.now(UTC)).document()

    def claim(self, name: str) -> Document:
        """Claim a hold's open proposal: {claim, revision, expires_at}."""
        self._caller.require(Permission.DECIDE)
        held, proposal = self._hold_work(lambda work: work.claim(name, actor=self._caller.name))
        return answers.Claim.of(held, proposal.revision).document()

    def release_claim(self, name: str, claim: str) -> None:
        """Give a claim back undecided."""
        del name  # the claim's id says whose it is
        self._hold_work(lambda work: work.release_claim(UUID(claim), actor=self._caller.name))

    def decide(
        self,
        name: str,
        *,
        claim: str,
        revision: int,
        verdict: Verdict,
        reason: str,
        keep_block: bool = True,
        evidence_seen: int | None = None,
    ) -> Document:
        """Decide a claimed proposal: {id, decision_id, status, delivered}."""
        self._caller.require(Permission.DECIDE)
        decided = self._hold_work(
            lambda work: work.decide(
                name,
                claim_id=UUID(claim),
                revision=revision,
                verdict=verdict,
                reason=reason,
                actor=self._caller.name,
                keep_block=keep_block,
                is_admin=self._caller.role is Role.ADMIN,
                evidence_seen=evidence_seen,
            )
        )
        return decided.document()

    def undo(self, name: str, *, reason: str) -> Document:
        """Take an approval back: {id, status, revision}."""
        self._caller.require(Permission.DECIDE)
        proposal = self._hold_work(lambda work: work.undo(name, actor=self._caller.name, reason=reason))
        return answers.Undone.of(proposal).document()

    def retry(self, name: str, *, beat: Beat | None, reason: str) -> Document:
        """Try one or every unfinished beat again: {id, beats}."""
        self._caller.require(Permission.RETRY_BEAT)
        retried = self._hold_work(lambda work: work.retry_beat(name, beat=beat, actor=self._caller.name, reason=reason))
        return retried.document()

    def release(self, name: str, *, reason: str) -> Document:
        """Propose to release a hold: {id, customer_id, status, revision, proposal}."""
        self._caller.require(Permission.START_HOLD)
        hold_id = self._hold_work(lambda work: work.request_release(name, reason=reason, actor=self._caller.name))
        with transaction(self._engine) as session:
            hold = holds.find(session, str(hold_id))
            return answers.ReleaseProposed.of(session, hold, datetime.now(UTC)).document()

    def skip(self, name: str, *, beat: Beat, reason: str) -> Document:
        """End an unfinished beat undone: {id, beat, status}."""
        self._caller.require(Permission.RETRY_BEAT)
        self._hold_work(lambda work: work.skip_beat(name, beat=beat, actor=self._caller.name, reason=reason))
        with transaction(self._engine) as session:
            return answers.ChangedBeat.of(holds.find(session, name), beat).document()

    def cancel(self, name: str, *, beat: Beat, reason: str) -> Document:
        """Stop trying an unfinished beat: {id, beat, status}."""
        self._caller.require(Permission.RETRY_BEAT)
        self._hold_work(lambda work: work.cancel_beat(name, beat=beat, actor=self._caller.name, reason=reason))
        with transaction(self._engine) as session:
            return answers.ChangedBeat.of(holds.find(session, name), beat).document()

    def absences(self, *, over_too: bool) -> Document:
        """List absences, the first to start first."""
        return self._absences.listed(self._caller, over_too=over_too).document()

    def add_absence(
        self, *, login: str | None, delegate: str, starts_at: datetime | None, ends_at: datetime, reason: str
    ) -> Document:
        """Let somebody stand in; for the caller where no login is given, from now on where no start is."""
        return self._absences.add(
            self._caller, login=login, delegate=delegate, starts_at=starts_at, ends_at=ends_at, reason=reason
        ).document()

    def end_absence(self, absence_id: UUID) -> Document:
        """End an absence now, or call it off."""
        return self._absences.end(self._caller, absence_id).document()

    def messages(self, status: MessageStatus | None) -> Document:
        """List messages: the unsent ones, or those in one status."""
        self._caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            found = MessageList.of(session, messages.listed(session, status), datetime.now(UTC))
            return found.model_dump(mode="json", exclude={"next_cursor"})

    def message(self, message_id: str) -> Document:
        """Return one message whole."""
        self._caller.require(Permission.LOOK)
        with transaction(self._engine) as session:
            return Message.whole(session, messages.find(session, _uuid(message_id)), datetime.now(UTC)).document()

    def edit_message(
        self, message_id: str, *, revision: int, subject: str, body: str, recipient: str | None, text_format: TextFormat
    ) -> Document:
        """Write the next revision."""
        self._caller.require(Permission.EDIT_MESSAGE)
        self._message_work(
            lambda work: work.edit(
                _uuid(message_id),
                revision=revision,
                subject=subject,
                body=body,
                recipient=recipient,
                format=text_format,
                actor=self._caller.name,
            )
        )
        return self.message(message_id)

    def claim_message(self, message_id: str) -> Document:
        """Claim a message: {claim, revision, expires_at}."""
        self._caller.require(Permission.SEND_MESSAGE)
        held, message = self._message_work(lambda work: work.claim(_uuid(message_id), actor=self._caller.name))
        return answers.Claim.of(held, message.revision).document()

    def release_message_claim(self, message_id: str, claim: str) -> None:
        """Give a claim back undecided."""
        del message_id  # the claim's id says whose it is
        self._message_work(lambda work: work.release_claim(UUID(claim), actor=self._caller.name))

    def decide_message(
        self, message_id: str, *, claim: str, revision: int, verdict: MessageVerdict, reason: str
    ) -> Document:
        """Approve or discard a claimed message: {id, decision_id, status, send_after, delivered}."""
        self._caller.require(Permission.SEND_MESSAGE)
        decided = self._message_work(
            lambda work: work.decide(
                _uuid(message_id),
                claim_id=UUID(claim),
                revision=revision,
                verdict=verdict,
                reason=reason,
                actor=self._caller.name,
            )
        )
        return decided.document()

    def recall_message(self, message_id: str, *, reason: str) -> Document:
        """Take an approval back before the message leaves."""
        self._caller.require(Permission.SEND_MESSAGE)
        self._message_work(lambda work: work.recall(_uuid(message_id), actor=self._caller.name, reason=reason))
        return self.message(message_id)

    def settle_message(self, message_id: str, *, arrived: bool, reason: str) -> Document:
        """Say whether a message arrived whose answer was lost."""
        self._caller.require(Permission.SEND_MESSAGE)
        self._message_work(
            lambda work: work.settle_unknown(_uuid(message_id), arrived=arrived, actor=self._caller.name, reason=reason)
        )
        return self.message(message_id)

    def retry_message(self, message_id: str, *, reason: str) -> Document:
        """Try again now to send it."""
        self._caller.require(Permission.SEND_MESSAGE)
        self._message_work(lambda work: work.retry_delivery(_uuid(message_id), actor=self._caller.name, reason=reason))
        return self.message(message_id)

    def _hold_work(self, act: "Callable[[Operations], Awaitable[T]]") -> T:
        async def run() -> T:
            return await act(await self._operations())

        return asyncio.run(run())

    def _message_work(self, act: "Callable[[MessageOperations], Awaitable[T]]") -> T:
        async def run() -> T:
            return await act(await self._message_operations())

        return asyncio.run(run())


def _uuid(message_id: str) -> UUID:
    try:
        return UUID(message_id)
    except ValueError:
        raise UnknownMessageError(message_id) from None
