"""The states things can be in, and what a hold waits for in each. Names are the contract with outside programs."""

from collections.abc import Iterable
from enum import StrEnum

from credit.wording import Labelled


class EntityStatus(StrEnum):
    """A customer's standing, as order forms read it (service-hold spec: `customers.entitystatus`)."""

    ACTIVE = "active"
    HOLD = "hold"


class HoldStatus(StrEnum):
    """The life of one hold."""

    PROPOSED = "proposed"
    APPLYING = "applying"
    IN_FORCE = "in_force"
    RELEASING = "releasing"
    RELEASED = "released"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN_HOLD = (HoldStatus.PROPOSED, HoldStatus.APPLYING, HoldStatus.IN_FORCE, HoldStatus.RELEASING)
"""A customer has at most one hold in these states."""


class ProposalKind(StrEnum):
    """What a person is asked to decide."""

    PLACE = "place"
    RELEASE = "release"
    REPAIR = "repair"


class ProposalStatus(StrEnum):
    """A proposal is open until exactly one of decide, expire and withdraw settles it."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """What a person decided."""

    APPROVE = "approve"
    DECLINE = "decline"


class ReleaseCause(Labelled):
    """Why a release is proposed."""

    PERSON = "person", "asked for by a person"
    DISPUTE = "dispute", "a dispute"
    PAYMENT = "payment", "a payment"
    PAYMENT_PLAN = "payment_plan", "a payment plan"
    END_DATE = "end_date", "its end date"


class RequestKind(StrEnum):
    """What somebody asked for, in a row that Temporal is then told of."""

    TRIGGER = "trigger"
    RELEASE = "release"
    SCAN = "scan"
    RECONCILE = "reconcile"


class Beat(StrEnum):
    """The steps of an approved hold, and of its release."""

    FLAG_CUSTOMER = "flag_customer"
    NOTIFY_SALES_REP = "notify_sales_rep"
    DRAFT_CUSTOMER_NOTICE = "draft_customer_notice"
    PUSH_NETSUITE = "push_netsuite"

    UNFLAG_CUSTOMER = "unflag_customer"
    TELL_SALES_REP = "tell_sales_rep"
    DRAFT_RELEASE_NOTICE = "draft_release_notice"
    RESTORE_NETSUITE = "restore_netsuite"

    @property
    def label(self) -> str:
        """What it does, for people: `flag the customer`."""
        verb, _, what = _BEATS[self]
        return f"{verb} {what}"

    @property
    def doing(self) -> str:
        """The same within a sentence: `flagging the customer`."""
        _, verb, what = _BEATS[self]
        return f"{verb} {what}"


_BEATS = {
    Beat.FLAG_CUSTOMER: ("flag", "flagging", "the customer"),
    Beat.NOTIFY_SALES_REP: ("draft", "drafting", "the sales rep’s message"),
    Beat.DRAFT_CUSTOMER_NOTICE: ("draft", "drafting", "the customer’s notice"),
    Beat.PUSH_NETSUITE: ("set", "setting", "NetSuite’s credit hold"),
    Beat.UNFLAG_CUSTOMER: ("take", "taking", "the customer off hold"),
    Beat.TELL_SALES_REP: ("draft", "drafting", "the sales rep’s message about the release"),
    Beat.DRAFT_RELEASE_NOTICE: ("draft", "drafting", "the customer’s release notice"),
    Beat.RESTORE_NETSUITE: ("restore", "restoring", "what NetSuite said before"),
}
"""How people call each beat, everywhere."""

PLACING = (Beat.FLAG_CUSTOMER, Beat.NOTIFY_SALES_REP, Beat.DRAFT_CUSTOMER_NOTICE, Beat.PUSH_NETSUITE)
"""The four beats of a hold, in the service-hold spec's order."""
RELEASING = (Beat.UNFLAG_CUSTOMER, Beat.TELL_SALES_REP, Beat.DRAFT_RELEASE_NOTICE, Beat.RESTORE_NETSUITE)
"""What takes them back."""


class BeatStatus(StrEnum):
    """Where one beat stands. `retrying`: Temporal tries again by itself; `needs_attention`: a person must mend it."""

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    DONE = "done"
    NEEDS_ATTENTION = "needs_attention"
    SKIPPED = "skipped"


BEAT_OVER = (BeatStatus.DONE, BeatStatus.SKIPPED)
"""Nothing is tried any more."""


class MessageKind(Labelled):
    """Whom a drafted e-mail is for."""

    SALES_REP = "sales_rep", "sales rep’s message"
    CUSTOMER_NOTICE = "customer_notice", "customer’s notice"
    SALES_REP_RELEASE = "sales_rep_release", "sales rep’s message about the release"
    RELEASE_NOTICE = "release_notice", "customer’s release notice"


ABOUT_THE_HOLD = (MessageKind.SALES_REP, MessageKind.CUSTOMER_NOTICE)
"""What a hold drafts when it is placed: none of it may leave once the hold ends. The others tell of its end."""
TO_THE_CUSTOMER = (MessageKind.CUSTOMER_NOTICE, MessageKind.RELEASE_NOTICE)


class MessageStatus(StrEnum):
    """The life of a drafted e-mail."""

    PENDING_REVIEW = "pending_review"
    APPROVED = "approved"
    SENT = "sent"
    DISCARDED = "discarded"
    WITHDRAWN = "withdrawn"


MESSAGE_MOVES = (MessageStatus.PENDING_REVIEW, MessageStatus.APPROVED)
"""Something will become of an e-mail in these states."""


class MessageVerdict(StrEnum):
    """What a person decided about a drafted e-mail."""

    APPROVE = "approve"
    DISCARD = "discard"


class TextFormat(StrEnum):
    """How a message's body is written. Markdown is sent as text with an HTML part beside it."""

    TEXT = "text"
    MARKDOWN = "markdown"


class Delivery(StrEnum):
    """Where an approved e-mail stands on its way out."""

    COOLING_OFF = "cooling_off"
    """It waits, and can be recalled."""
    SENDING = "sending"
    RETRYING = "retrying"
    """The mail server was away or said to try later: Temporal tries again by itself."""
    REFUSED = "refused"
    """The mail server will never take it, or it must not be sent as it is: a person recalls it and mends it."""
    UNKNOWN = "unknown"
    """It was handed over and the answer was lost: a person finds out whether it left."""
    SENT = "sent"


class NotificationChannel(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class NotificationEvent(StrEnum):
    """What somebody is told of."""

    PROPOSAL_OPENED = "proposal.opened"
    PROPOSAL_DECIDED = "proposal.decided"
    PROPOSAL_REMINDED = "proposal.reminded"
    PROPOSAL_ESCALATED = "proposal.escalated"
    PROPOSAL_EXPIRED = "proposal.expired"
    HOLD_RELEASED = "hold.released"


class WaitingOn(StrEnum):
    """Whose move it is."""

    APPROVER = "approver"
    NETSUITE = "netsuite"
    OPERATOR = "operator"
    NOBODY = "nobody"


def waiting_on(status: HoldStatus, beats: Iterable[BeatStatus], *, undecided: bool = False) -> WaitingOn:
    """Return whose move it is for a hold in `status` whose beats stand as given.

    Args:
        status: Of the hold.
        beats: Where each of its beats stands.
        undecided: Whether a proposal about a hold in force (a release, a repair) waits for an approver.
    """
    if status is HoldStatus.PROPOSED or (undecided and status in OPEN_HOLD):
        return WaitingOn.APPROVER
    if status not in OPEN_HOLD:
        return WaitingOn.NOBODY
    standing = set(beats)
    if BeatStatus.NEEDS_ATTENTION in standing:
        return WaitingOn.OPERATOR
    return WaitingOn.NETSUITE if BeatStatus.RETRYING in standing else WaitingOn.NOBODY
