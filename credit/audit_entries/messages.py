"""A drafted message on its way to sales rep or customer."""

from uuid import UUID

from credit.audit_entries.entry import Entry, Moment
from credit.states import MessageKind


class AboutMessage(Entry):
    """What happened to one message."""

    message_id: UUID
    kind: MessageKind


class MessageDrafted(AboutMessage):
    action = "message_drafted"
    what = "drafted a message"
    recipient_known: bool

    def sentence(self) -> str:
        return f"drafted the {self.kind.label}{'' if self.recipient_known else '; no address is known'}"


# --- reviewed ----------------------------------------------------------------------------------------------------


class _Reviewed(AboutMessage):
    revision: int


class MessageClaimed(_Reviewed):
    action = "message_claimed"
    what = "claimed a message to review it"
    said = "claimed the {kind.label} to review it"
    until: Moment


class MessageEdited(_Reviewed):
    action = "message_edited"
    what = "edited a message"
    said = "edited the {kind.label}: revision {revision}"
    changed: list[str]
    before: dict[str, int | str | None]
    """The revision, with its recipient and format where they changed; subject and body stand in the revisions."""
    after: dict[str, int | str | None]


class MessageApproved(_Reviewed):
    action = "message_approved"
    what = "approved a message"
    said = "approved the {kind.label}, revision {revision}"
    decision_id: UUID
    why: str
    recipient: str | None
    send_after: Moment


class Stopped(_Reviewed):
    """By a person, before it left."""

    decision_id: UUID
    why: str


MessageDiscarded = Stopped.of_action("message_discarded", "discarded a message", "discarded the {kind.label}")
MessageRecalled = Stopped.of_action(
    "message_recalled", "recalled a message before it left", "recalled the {kind.label} before it left"
)


class MessageWithdrawn(_Reviewed):
    action = "message_withdrawn"
    what = "withdrew a message"
    said = "withdrew the {kind.label}"
    why: str


# --- sent --------------------------------------------------------------------------------------------------------


class _OnItsWay(AboutMessage):
    decision_id: str
    """The approval's id; `None` where none stands any more."""


class Delivered(_OnItsWay):
    """How an attempt to hand it to the mail server ended."""

    recipient: str | None
    message_id_header: str
    answer: str


MessageSent = Delivered.of_action("message_sent", "sent a message", "sent the {kind.label}")
MessageDelayed = Delivered.of_action(
    "message_delayed",
    "could not send a message yet: the mail server asks to try later",
    "could not send the {kind.label} yet: the mail server asks to try later",
)
MessageRefusedByServer = Delivered.of_action(
    "message_refused_by_server",
    "could not send a message: the mail server refuses it",
    "could not send the {kind.label}: the mail server refuses it",
)
MessageUnfit = Delivered.of_action(
    "message_unfit",
    "did not send a message: it would not arrive as it was approved",
    "did not send the {kind.label}: it would not arrive as it was approved",
)
MessageAnswerLost = Delivered.of_action(
    "message_answer_lost", "handed a message over and got no answer", "handed the {kind.label} over and got no answer"
)


class MessageAnsweredLate(_OnItsWay):
    action = "message_answered_late"
    what = "heard late of a message"
    said = "heard late of the {kind.label}"
    outcome: str
    answer: str


class MessageRetried(_OnItsWay):
    action = "message_retried"
    what = "asked to send a message again now"
    said = "asked to send the {kind.label} again now"
    why: str
    error: str | None


class MessageSettled(_OnItsWay):
    action = "message_settled"
    what = "found out what became of a message"
    arrived: bool
    why: str

    def sentence(self) -> str:
        return f"found out that the {self.kind.label} {'arrived' if self.arrived else 'did not arrive'}"
