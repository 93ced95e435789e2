"""Holds as people read them in a terminal."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from credit.states import BeatStatus, HoldStatus, WaitingOn
from starter.documents import Document

_STATUS = {
    HoldStatus.PROPOSED: "yellow",
    HoldStatus.APPLYING: "cyan",
    HoldStatus.IN_FORCE: "bold red",
    HoldStatus.RELEASING: "cyan",
    HoldStatus.RELEASED: "green",
}
_WAITING = {WaitingOn.APPROVER: "yellow", WaitingOn.NETSUITE: "magenta", WaitingOn.OPERATOR: "bold red"}
_BEATS = {
    BeatStatus.DONE: "green",
    BeatStatus.RETRYING: "magenta",
    BeatStatus.NEEDS_ATTENTION: "bold red",
    BeatStatus.RUNNING: "cyan",
}


def hold_table(rows: Sequence[Document], now: datetime) -> Table:
    """Return holds as a table."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Customer", no_wrap=True, min_width=8)
    table.add_column("Name", no_wrap=True, max_width=30)  # the one column that gives way in a narrow terminal
    table.add_column("Status", no_wrap=True, min_width=9)
    table.add_column("Waiting on", no_wrap=True, min_width=10)
    table.add_column("Open", justify="right", no_wrap=True, min_width=12)
    table.add_column("Overdue", justify="right", no_wrap=True, min_width=7)
    table.add_column("Due", justify="right", no_wrap=True, min_width=6)
    table.add_column("Age", justify="right", no_wrap=True, min_width=6)
    for row in rows:
        table.add_row(
            row["customer_id"],
            Text(row["customer_name"]),
            Text(row["status"], _STATUS.get(row["status"], "")),
            Text(row["waiting_on"], _WAITING.get(row["waiting_on"], "dim")),
            _money(row),
            f"{row['facts']['days_overdue']} d",
            f"{datetime.fromisoformat(row['due_at']):%d %b}" if row["due_at"] else "",
            _age(row["proposed_at"], now),
        )
    return table


def hold(document: Document) -> RenderableType:
    """Return one hold as a page."""
    parts: list[RenderableType] = [_facts(document)]
    parts += [Text(f"! {warning}", "yellow") for warning in document["warnings"]]
    if document["proposal"]["note"]:
        parts.append(Panel(Text(document["proposal"]["note"]), title="Note", title_align="left", border_style="yellow"))
    if document["status"] not in (HoldStatus.PROPOSED, HoldStatus.DECLINED, HoldStatus.EXPIRED, HoldStatus.WITHDRAWN):
        parts += [Text(), _beats(document)]
    if document["messages"]:
        parts += [Text(), _messages(document)]
    parts += [Text(), _timeline(document)]
    title = Text.assemble(
        (f" {document['customer_name']} ", "bold"),
        (f"{document['customer_id']} ", "dim"),
        (f"{document['status']} ", _STATUS.get(document["status"], "")),
    )
    return Panel(Group(*parts), title=title, title_align="left", expand=False)


def _facts(document: Document) -> Table:
    facts = document["facts"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("Why", Text(document["reason"]))
    table.add_row("Trigger", ", ".join(document["triggers"]))
    table.add_row("Open", f"{_money(document)} {facts['currency']}")
    table.add_row("Overdue", f"{facts['days_overdue']} days as of {facts['as_of']}")
    if facts["credit_limit"] is not None:
        table.add_row("Credit limit", f"{_figure(facts['credit_limit'])}{_limit_state(facts)}")
    table.add_row("Context", Text(_context(facts)))
    table.add_row("Waiting on", _waiting_on(document))
    table.add_row("Revision", str(document["revision"]))
    if document["end_date"]:
        table.add_row("Ends", f"{document['end_date']}: its release is proposed")
    if document["review_date"]:
        table.add_row("Review", document["review_date"])
    for row in document["exceptions"]:
        if row["ended_at"] is None:
            let = f"{row['scope']} {row['reference']} until {row['until']}, {row['created_by']}: {row['reason']}"
            table.add_row("Let through", Text(let))
    netsuite = document["netsuite"]
    if netsuite["value"]:
        table.add_row("NetSuite", f"{netsuite['prior']} before, {netsuite['value']} now")
    for gap in netsuite["gaps"]:
        table.add_row("", Text(f"! {gap}", "yellow"))
    table.add_row("Hold", document["id"])
    table.add_row("Workflow", document["workflow_id"])
    return table


def _waiting_on(document: Document) -> Text:
    proposal = document["proposal"]
    waiting = Text(document["waiting_on"], _WAITING.get(document["waiting_on"], "dim"))
    if proposal["due_at"]:
        waiting.append(f", due {_minute(proposal['due_at'])}", "dim")
    if proposal["due_at"] and proposal["escalated_at"]:
        waiting.append(f", escalated to {proposal['escalated_to']} since {_minute(proposal['escalated_at'])}", "dim")
    if proposal["claimed_by"]:
        waiting.append(f", claimed by {proposal['claimed_by']} until {_minute(proposal['claim_expires_at'])}", "dim")
    return waiting


def _context(facts: Document) -> str:
    plan = "on a payment plan" if facts["payment_plan"] else "no payment plan"
    return f"{facts['prior_holds'] or 'no'} prior hold(s), {facts['open_disputes'] or 'no'} open dispute(s), {plan}"


def _beats(document: Document) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Beat", "Status", "Tries", "Done", "Last error"):
        table.add_column(column)
    for beat in document["beats"]:
        table.add_row(
            beat["beat"],
            Text(beat["status"], _BEATS.get(beat["status"], "dim")),
            str(beat["attempts"]),
            _minute(beat["done_at"]) if beat["done_at"] else "",
            Text(beat["last_error"] or ""),
        )
    return table


def _messages(document: Document) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Message", "Status", "To", "Subject"):
        table.add_column(column)
    for message in document["messages"]:
        recipient = Text(message["recipient"]) if message["recipient"] else Text("no address known", "yellow")
        table.add_row(message["kind"], message["status"], recipient, Text(message["subject"]))
    return table


def _timeline(document: Document) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("When (UTC)", "What", "Who", "Why"):
        table.add_column(column)
    for event in document["timeline"]:
        who = " for ".join([event["who"], *([", ".join(event["on_behalf_of"])] if event["on_behalf_of"] else [])])
        table.add_row(_minute(event["at"]), event["what"], Text(who), Text(event["why"]))
    return table


def _limit_state(facts: Document) -> str:
    return f", {facts['limit_state']}: exposure {_figure(facts['exposure'])}" if facts["limit_state"] else ""


def _money(document: Document) -> str:
    return _figure(document["facts"]["total_open"])


def _figure(amount: str) -> str:
    return f"{Decimal(amount):,.2f}"


def _minute(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"


def _age(at: str, now: datetime) -> str:
    age = now - datetime.fromisoformat(at)
    if age.days:
        return f"{age.days} d"
    hours, seconds = divmod(age.seconds, 3600)
    return f"{hours} h" if hours else f"{seconds // 60} min"
