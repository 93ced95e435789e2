"""Whom nobody has told yet: a customer may be on hold, or free again, and not know it."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel

from credit.states import HoldStatus, MessageKind, MessageStatus, WaitingOn

_ABOUT = {
    HoldStatus.APPLYING: MessageKind.CUSTOMER_NOTICE,
    HoldStatus.IN_FORCE: MessageKind.CUSTOMER_NOTICE,
    HoldStatus.RELEASING: MessageKind.RELEASE_NOTICE,
    HoldStatus.RELEASED: MessageKind.RELEASE_NOTICE,
}
_WHAT = {MessageKind.CUSTOMER_NOTICE: "is on hold", MessageKind.RELEASE_NOTICE: "is off hold"}
_STANDS = {
    MessageStatus.PENDING_REVIEW: "the notice waits for somebody to approve it",
    MessageStatus.APPROVED: "the notice is approved and has not left",
    MessageStatus.DISCARDED: "the notice was discarded",
}


class Untold(BaseModel):
    """A notice that has not reached the customer it is for. `said` is one sentence for people."""

    message_id: UUID
    kind: MessageKind
    status: MessageStatus
    said: str


def whose_move(move: str, notice: str | None) -> str:
    """Return, for people, whose move it is about a hold whose notice stands so (None where nothing waits to be told).

    A hold that waits for nobody may still have a notice that waits for whoever approves it.
    """
    waits = move == WaitingOn.NOBODY and notice == MessageStatus.PENDING_REVIEW
    return "approver, for the notice" if waits else move


class Standing(NamedTuple):
    """Where one of a hold's messages stands."""

    message_id: UUID
    kind: MessageKind
    status: MessageStatus


def untold(hold: HoldStatus, messages: Sequence[Standing]) -> Untold | None:
    """Return which of a hold's messages its customer still waits for.

    None where the customer was told, or there is nothing to tell.
    """
    wanted = _ABOUT.get(hold)
    for message_id, kind, status in messages:
        settled = kind is MessageKind.RELEASE_NOTICE and status is MessageStatus.DISCARDED  # nothing stops them now
        if kind is wanted and status in _STANDS and not settled:
            said = f"The customer {_WHAT[kind]} and has not been told: {_STANDS[status]}."
            return Untold(message_id=message_id, kind=kind, status=status, said=said)
    return None
