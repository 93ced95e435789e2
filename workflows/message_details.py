"""A message in the Temporal Web UI: current details in Markdown that tell a stranger where it stands and what to do."""

from datetime import datetime

from credit.states import Delivery, MessageKind, MessageStatus, WaitingOn
from workflows.contract import MessageView, OutboundMessageInput
from workflows.details import LAST_LINE, plain, utc

_KINDS = {
    MessageKind.SALES_REP: "message to the sales rep",
    MessageKind.CUSTOMER_NOTICE: "notice to the customer",
    MessageKind.SALES_REP_RELEASE: "message to the sales rep about the release",
    MessageKind.RELEASE_NOTICE: "notice to the customer about the release",
}
_HEADLINES = {
    MessageStatus.PENDING_REVIEW: "Draft pending review: nothing is sent before a person approves it",
    MessageStatus.APPROVED: "Approved",
    MessageStatus.SENT: "Sent",
    MessageStatus.DISCARDED: "Discarded: it is never sent",
    MessageStatus.WITHDRAWN: "Withdrawn, for its hold is over: it is never sent",
}
_ON_ITS_WAY = {
    Delivery.COOLING_OFF: "Approved: it waits, and can be recalled",
    Delivery.SENDING: "Approved: being sent",
    Delivery.RETRYING: "Approved: not sent yet, tried again until the mail server takes it",
    Delivery.REFUSED: "Approved, but it cannot be sent as it is",
    Delivery.UNKNOWN: "Approved and handed over, but the mail server's answer was lost: it may have left",
}
_WHAT_TO_DO = {
    Delivery.COOLING_OFF: "To stop it, recall it before then.",
    Delivery.RETRYING: "Nothing, or recall it; once the mail server is back it leaves by itself.",
    Delivery.REFUSED: "Recall it, mend it (the address, most often) and approve it again; or retry the delivery.",
    Delivery.UNKNOWN: (
        "It is never sent twice by itself. Find out whether it arrived (ask the recipient, read the mail server's "
        "log), then settle it: it arrived, or send it again."
    ),
}


def waiting_on(message: MessageView) -> WaitingOn:
    """Return whose move it is."""
    if message.status is MessageStatus.PENDING_REVIEW:
        return WaitingOn.APPROVER
    if message.status is MessageStatus.APPROVED and message.delivery in (Delivery.REFUSED, Delivery.UNKNOWN):
        return WaitingOn.OPERATOR
    return WaitingOn.NOBODY


def current_details(start: OutboundMessageInput, message: MessageView, leaves_at: datetime) -> str:
    """Return the Markdown shown at the top of the workflow's page. What a server said is shown, never interpreted."""
    delivery = message.delivery if message.status is MessageStatus.APPROVED else None
    lines = [f"**What** the {_KINDS[start.kind]}, revision {message.revision}"]
    if delivery is Delivery.COOLING_OFF:
        lines.append(f"**Leaves** {utc(leaves_at)}")
    if delivery is not None and message.error:
        lines.append(f"**Error** {plain(message.error)}")
    if message.status is MessageStatus.PENDING_REVIEW:
        lines.append("**To do** read it, edit it where needed, then approve or discard it.")
    elif delivery in _WHAT_TO_DO:
        lines.append(f"**To do** {_WHAT_TO_DO[delivery]}")
    lines.append(f"**Customer** `{start.customer_id}`, hold `{start.hold_id}`, message `{start.message_id}`")
    headline = _ON_ITS_WAY.get(delivery, "Approved") if delivery else _HEADLINES[message.status]
    return f"### {headline}\n\n" + "  \n".join(lines) + LAST_LINE
