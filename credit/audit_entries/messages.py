"""A drafted message on its way to sales rep or customer."""

from uuid import UUID

from credit.audit_entries.entry import Entry, Moment
from credit.states import MessageKind

_MESSAGES = {
    MessageKind.SALES_REP: "the sales rep’s message",
    MessageKind.CUSTOMER_NOTICE: "the customer’s notice",
    MessageKind.SALES_REP_RELEASE: "the sales rep’s message about the release",
    MessageKind.RELEASE_NOTICE: "the customer’s release notice",
}


class AboutMessage(Entry):
    """What happened to one message."""

    message_id: UUID
    kind: MessageKind

    @property
    def message(self) -> str:
        """Which one, in words."""
        return _MESSAGES[self.kind]


class MessageDrafted(AboutMessage):
    action = "message_drafted"
    what = "drafted a message"
    recipient_known: bool

    def sentence(self) -> str:
        return f"drafted {self.message}{'' if self.recipient_known else '; no address is known'}"


# --- reviewed ----------------------------------------------------------------------------------------------------


class _Reviewed(AboutMessage):
    revision: int


class MessageClaimed(_Reviewed):
    action = "message_claimed"
    what = "claimed a message to review it"
    until: Moment

    def sentence(self) -> str:
        return f"claimed {self.message} to review it"


class MessageEdited(_Reviewed):
    action = "message_edited"
    what = "edited a message"
    changed: list[str]
    before: dict[str, int | str | None]
    """The revision, with its recipient and format where they changed; subject and body stand in the revisions."""
    after: dict[str, int | str | None]

    def sentence(self) -> str:
        return f"edited {self.message}: revision {self.revision}"


class MessageApproved(_Reviewed):
    action = "message_approved"
    what = "approved a message"
    decision_id: UUID
    why: str
    recipient: str | None
    send_after: Moment

    def sentence(self) -> str:
        return f"approved {self.message}, revision {self.revision}"


class MessageDiscarded(_Reviewed):
    action = "message_discarded"
    what = "discarded a message"
    decision_id: UUID
    why: str

    def sentence(self) -> str:
        return f"discarded {self.message}"


class MessageRecalled(_Reviewed):
    action = "message_recalled"
    what = "recalled a message before it left"
    decision_id: UUID
    why: str

    def sentence(self) -> str:
        return f"recalled {self.message} before it left"


class MessageWithdrawn(_Reviewed):
    action = "message_withdrawn"
    what = "withdrew a message"
    why: str

    def sentence(self) -> str:
        return f"withdrew {self.message}"


# --- sent --------------------------------------------------------------------------------------------------------


class _OnItsWay(AboutMessage):
    decision_id: str
    """The approval's id; `None` where none stands any more."""


class Delivered(_OnItsWay):
    """How an attempt to hand it to the mail server ended."""

    recipient: str | None
    message_id_header: str
    answer: str


class MessageSent(Delivered):
    action = "message_sent"
    what = "sent a message"

    def sentence(self) -> str:
        return f"sent {self.message}"


class MessageDelayed(Delivered):
    action = "message_delayed"
    what = "could not send a message yet: the mail server asks to try later"

    def sentence(self) -> str:
        return f"could not send {self.message} yet: the mail server asks to try later"


class MessageRefusedByServer(Delivered):
    action = "message_refused_by_server"
    what = "could not send a message: the mail server refuses it"

    def sentence(self) -> str:
        return f"could not send {self.message}: the mail server refuses it"


class MessageUnfit(Delivered):
    action = "message_unfit"
    what = "did not send a message: it would not arrive as it was approved"

    def sentence(self) -> str:
        return f"did not send {self.message}: it would not arrive as it was approved"


class MessageAnswerLost(Delivered):
    action = "message_answer_lost"
    what = "handed a message over and got no answer"

    def sentence(self) -> str:
        return f"handed {self.message} over and got no answer"


class MessageAnsweredLate(_OnItsWay):
    action = "message_answered_late"
    what = "heard late of a message"
    outcome: str
    answer: str

    def sentence(self) -> str:
        return f"heard late of {self.message}"


class MessageRetried(_OnItsWay):
    action = "message_retried"
    what = "asked to send a message again now"
    why: str
    error: str | None

    def sentence(self) -> str:
        return f"asked to send {self.message} again now"


class MessageSettled(_OnItsWay):
    action = "message_settled"
    what = "found out what became of a message"
    arrived: bool
    why: str

    def sentence(self) -> str:
        return f"found out that {self.message} {'arrived' if self.arrived else 'did not arrive'}"
