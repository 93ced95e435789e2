"""Holds as people read them in a terminal."""

from datetime import UTC, datetime

from rich.text import Text

from credit.states import Beat, BeatStatus, HoldStatus, Verdict, WaitingOn
from credit.triggers import TriggerKind
from credit.untold import whose_move
from credit.wording import sentence, span, words
from starter.cli.desk_client import Document
from starter.cli.message_pages import recipient
from starter.cli.output import Column, Page, Table, facts, figure, filled, minute, plural

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


def hold(document: Document) -> Page:
    parts: list[Text | Table] = [_facts(document)]
    parts += [Text(f"! {warning}", "yellow") for warning in document["warnings"]]
    if document["proposal"]["note"]:
        parts += [Text(), Text("Note", "bold"), Text(document["proposal"]["note"], "yellow")]
    if document["status"] not in (HoldStatus.PROPOSED, HoldStatus.DECLINED, HoldStatus.EXPIRED, HoldStatus.WITHDRAWN):
        parts.append(filled(_BEAT_COLUMNS, document["beats"]))
    if document["messages"]:
        parts.append(filled(_MESSAGE_COLUMNS, document["messages"]))
    parts.append(filled(_TIMELINE_COLUMNS, document["timeline"]))
    title = Text.assemble(
        (f" {document['customer_name']} ", "bold"),
        (f"{document['customer_id']} ", "dim"),
        (f"{document['status']} ", _STATUS.get(document["status"], "")),
    )
    return Page(title, parts)


def effects(document: Document, verdict: Verdict) -> list[Text]:
    """Return what a decision would do, a line for each effect."""
    told = (document["proposal"].get("effects") or {}).get(verdict, [])
    return [Text(f"  • {one}") for one in told]


def _facts(document: Document) -> Table:
    figures = document["facts"]
    made = facts()
    made.add("Why", document["reason"])
    made.add("Trigger", ", ".join(_label(TriggerKind, kind) for kind in document["triggers"]))
    made.add("Open", f"{_money(document)} {figures['currency']}")
    made.add("Overdue", f"{figures['days_overdue']} days as of {figures['as_of']}")
    if figures["credit_limit"] is not None:
        made.add("Credit limit", f"{figure(figures['credit_limit'])}{_limit_state(figures)}")
    made.add("Context", _context(figures))
    standing = document["customer_standing"]
    made.add("Customer", f"{standing['label']}: {standing['reason']}")
    made.add("Waiting on", _waiting_on(document))
    if unsent := document.get("unsent_notice"):
        made.add("Not told", Text(unsent["said"], "bold yellow"))
    made.add("Revision", str(document["revision"]))
    if document["end_date"]:
        made.add("Ends", f"{document['end_date']}: its release is proposed")
    if document["review_date"]:
        made.add("Review", document["review_date"])
    for row in document["exceptions"]:
        if row["ended_at"] is None:
            let = f"{row['scope']} {row['reference']} until {row['until']}, {row['created_by']}: {row['reason']}"
            made.add("Let through", let)
    netsuite = document["netsuite"]
    if netsuite["value"]:
        made.add("NetSuite", f"{netsuite['prior']} before, {netsuite['value']} now")
    for gap in netsuite["gaps"]:
        made.add("", Text(f"! {gap}", "yellow"))
    made.add("Hold", document["id"])
    made.add("Workflow", document["workflow_id"])
    return made


def _waiting_on(document: Document) -> Text:
    proposal = document["proposal"]
    unsent = document.get("unsent_notice") or {}
    move = whose_move(document["waiting_on"], unsent.get("status"))
    waiting = Text(move, _WAITING.get(document["waiting_on"], "dim"))
    if proposal["due_at"]:
        waiting.append(f", due {minute(proposal['due_at'])}", "dim")
    if proposal["due_at"] and proposal["escalated_at"]:
        waiting.append(f", escalated to {proposal['escalated_to']} since {minute(proposal['escalated_at'])}", "dim")
    if proposal["claimed_by"]:
        waiting.append(f", claimed by {proposal['claimed_by']} until {minute(proposal['claim_expires_at'])}", "dim")
    return waiting


def _context(figures: Document) -> str:
    plan = "on a payment plan" if figures["payment_plan"] else "no payment plan"
    holds, disputes = plural(figures["prior_holds"], "prior hold"), plural(figures["open_disputes"], "open dispute")
    return f"{holds}, {disputes}, {plan}"


def _limit_state(figures: Document) -> str:
    return f", {figures['limit_state']}: exposure {figure(figures['exposure'])}" if figures["limit_state"] else ""


def _label(kinds: type[Beat | TriggerKind], name: str) -> str:
    """Return what people call it; what only a newer desk knows, as it is named there."""
    return kinds(name).label if name in set(kinds) else words(name)


def _money(document: Document) -> str:
    return figure(document["facts"]["total_open"])


def _day(at: str | None) -> str:
    return f"{datetime.fromisoformat(at):%d %b}" if at else ""


def _who(event: Document) -> str:
    return " for ".join([event["who"], *([", ".join(event["on_behalf_of"])] if event["on_behalf_of"] else [])])


COLUMNS = (
    Column("Customer", "customer_id"),
    Column("Name", "customer_name", wraps=14, drop=4),
    Column("Status", lambda row: Text(row["status"], _STATUS.get(row["status"], "")), drop=2),
    Column("Waiting on", lambda row: Text(row["waiting_on"], _WAITING.get(row["waiting_on"], "dim")), drop=3),
    Column("Open", _money, number=True),
    Column("Overdue", lambda row: f"{row['facts']['days_overdue']} d", number=True),
    Column(
        "Due",
        lambda row: f"{datetime.fromisoformat(row['due_at']):%d %b}" if row["due_at"] else "",
        number=True,
        drop=5,
    ),
    Column(
        "Age", lambda row: span(datetime.now(UTC) - datetime.fromisoformat(row["proposed_at"])), number=True, drop=6
    ),
)
"""Of a list of holds."""
_BEAT_COLUMNS = (
    Column("Beat", lambda beat: sentence(_label(Beat, beat["beat"])), wraps=16),
    Column("Status", lambda beat: Text(beat["status"], _BEATS.get(beat["status"], "dim"))),
    Column("Tries", "attempts", number=True, drop=2),
    Column("Done", "done_at", drop=3),
    Column("Last error", "last_error", wraps=16, drop=1),
)
_MESSAGE_COLUMNS = (
    Column("Message", "kind", drop=1),
    Column("Status", "status"),
    Column("To", recipient, wraps=16, drop=2),
    Column("Subject", "subject", wraps=16),
)
_TIMELINE_COLUMNS = (
    Column("When (UTC)", lambda event: minute(event["at"])),
    Column("What", "what", wraps=14),
    Column("Who", _who, wraps=10, drop=1),
    Column("Why", "why", wraps=14),
)
