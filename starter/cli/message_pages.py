"""Messages as people read them in a terminal."""

from datetime import datetime

from rich.text import Text

from credit.states import Delivery, MessageStatus
from starter.cli.desk_client import Document
from starter.cli.output import Column, Page, facts

_STATUS = {MessageStatus.PENDING_REVIEW: "yellow", MessageStatus.APPROVED: "cyan", MessageStatus.SENT: "green"}
_TROUBLE = (Delivery.REFUSED, Delivery.UNKNOWN)


def message(document: Document) -> Page:
    head = facts()
    head.add("To", recipient(document))
    head.add("Subject", Text(document["subject"]))
    head.add("Format", document["format"])
    head.add("Revision", str(document["revision"]))
    if document["claimed_by"]:
        head.add("Claimed by", Text(document["claimed_by"]))
    if document["approved_by"]:
        head.add("Approved by", Text(document["approved_by"]))
    if document["send_after"] and not document["sent_at"]:
        head.add("Leaves after", _second(document["send_after"]))
    if document["sent_at"]:
        head.add("Sent", _second(document["sent_at"]))
    if document["delivery_error"]:
        head.add("Trouble", Text(document["delivery_error"], "bold red"))
    title = Text.assemble((f" {document['kind']} ", "bold"), f"about {document['customer_name']} ", _status(document))
    return Page(title, [head, Text(), Text(document["body"].rstrip())])


def _status(row: Document) -> Text:
    text = Text(row["status"], _STATUS.get(row["status"], "dim"))
    delivery = row.get("delivery")
    if delivery and delivery != row["status"]:
        text.append(f", {delivery}", "bold red" if delivery in _TROUBLE else "dim")
    return text


def recipient(row: Document) -> Text:
    """Return whom a message is for."""
    return Text(row["recipient"]) if row["recipient"] else Text("no address known", "yellow")


def _second(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S} UTC"


COLUMNS = (
    Column("Message", "id"),
    Column("Kind", "kind", drop=3),
    Column("Status", _status, drop=2),
    Column("To", recipient, wraps=16, drop=4),
    Column("Subject", "subject", wraps=16, drop=1),
)
"""Of a list of messages."""
