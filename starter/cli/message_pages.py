"""Messages as people read them in a terminal."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from credit.states import Delivery, MessageStatus
from starter.documents import Document

_STATUS = {
    MessageStatus.PENDING_REVIEW: "yellow",
    MessageStatus.APPROVED: "cyan",
    MessageStatus.SENT: "green",
}
_TROUBLE = (Delivery.REFUSED, Delivery.UNKNOWN)


def message_table(rows: Sequence[Document]) -> Table:
    """Return messages as a table."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Message", "Kind", "Status", "To", "Subject"):
        table.add_column(column, no_wrap=column in ("Message", "Kind", "Status"))
    for row in rows:
        table.add_row(row["id"], row["kind"], _status(row), _recipient(row), Text(row["subject"]))
    return table


def message(document: Document) -> RenderableType:
    """Return one message as a page."""
    head = Table.grid(padding=(0, 2))
    head.add_column(style="dim", no_wrap=True)
    head.add_column()
    head.add_row("To", _recipient(document))
    head.add_row("Subject", Text(document["subject"]))
    head.add_row("Format", document["format"])
    head.add_row("Revision", str(document["revision"]))
    if document["claimed_by"]:
        head.add_row("Claimed by", Text(document["claimed_by"]))
    if document["approved_by"]:
        head.add_row("Approved by", Text(document["approved_by"]))
    if document["send_after"] and not document["sent_at"]:
        head.add_row("Leaves after", _second(document["send_after"]))
    if document["sent_at"]:
        head.add_row("Sent", _second(document["sent_at"]))
    if document["delivery_error"]:
        head.add_row("Trouble", Text(document["delivery_error"], "bold red"))
    body = Panel(Text(document["body"].rstrip()), border_style="dim")
    title = Text.assemble((f" {document['kind']} ", "bold"), f"about {document['customer_name']} ", _status(document))
    return Panel(Group(head, Text(), body), title=title, title_align="left", expand=False)


def _status(row: Document) -> Text:
    text = Text(row["status"], _STATUS.get(row["status"], "dim"))
    delivery = row.get("delivery")
    if delivery and delivery != row["status"]:
        text.append(f", {delivery}", "bold red" if delivery in _TROUBLE else "dim")
    return text


def _recipient(row: Document) -> Text:
    return Text(row["recipient"]) if row["recipient"] else Text("no address known", "yellow")


def _second(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S} UTC"
