"""What people are told by mail and chat tools, and in which words. No bank details, no evidence: a link leads there."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from credit.states import ProposalKind, Verdict

_LISTED = 20
"""Items that a digest names, the largest first; the rest are counted."""
_LONGEST = 300
"""Characters of a reason that are quoted."""

_KIND = {ProposalKind.PLACE: "hold", ProposalKind.RELEASE: "release", ProposalKind.REPAIR: "repair"}
_IN_TIME = "If nobody decides by then it expires: nothing is approved, and nothing is lifted."
_IN_VAIN = {
    ProposalKind.PLACE: "Nothing happened to the customer, and nothing was lifted.",
    ProposalKind.RELEASE: "The hold stays in force.",
    ProposalKind.REPAIR: "NetSuite stays as it is.",
}


class Notice(BaseModel):
    """What every notice says: about which hold, of whom, how much."""

    hold_id: UUID
    kind: ProposalKind
    customer_id: str
    customer_name: str
    total_open: Decimal
    currency: str
    days_overdue: int
    as_of: date


class ToDecide(Notice):
    """A proposal waits for an approver."""

    occasion: Literal["new", "weakened", "undone"]
    """`weakened`: approved, and back because the case weakened since. `undone`: its approval was taken back."""
    reason: str
    asked_by: str
    due_at: datetime
    because: list[str] = []
    """With `weakened`: what changed."""


class Waiting(Notice):
    """A proposal has waited for an approver since `opened_at`."""

    proposal_id: UUID
    reason: str
    asked_by: str
    opened_at: datetime
    told_at: datetime
    due_at: datetime


class Reminder(Waiting):
    """It still does."""


class Escalated(Waiting):
    """It does for so long that it was escalated."""

    group: str


class Expired(Waiting):
    """It did in vain."""


class Decided(Notice):
    """A decision took effect."""

    verdict: Verdict
    reason: str
    decided_by: str
    on_behalf_of: list[str] = []
    decided_at: datetime


def mail(notices: Sequence[Notice], desk_url: str) -> tuple[str, str]:
    """Return subject and plain text of one mail about all these notices."""
    if len(notices) == 1:
        [notice] = notices
        return f"{_headline(notice)}: {_amount(notice)}", "\n".join([*_whole(notice), "", _link(notice, desk_url), ""])
    decided = sum(isinstance(notice, Decided) for notice in notices)
    expired = sum(isinstance(notice, Expired) for notice in notices)
    counts = [(len(notices) - decided - expired, "to decide"), (decided, "decided"), (expired, "expired")]
    subject = "Holds: " + ", ".join(f"{count:,} {what}" for count, what in counts if count)
    largest = sorted(notices, key=lambda notice: notice.total_open, reverse=True)
    lines = [f"{subject}. The largest first:", ""]
    for notice in largest[:_LISTED]:
        lines += [f"- {_headline(notice)}: {_amount(notice)}", f"  {_link(notice, desk_url)}"]
    if len(notices) > _LISTED:
        lines += ["", f"And {len(notices) - _LISTED:,} more: {_queue(desk_url)}"]
    return subject, "\n".join([*lines, ""])


def link(notice: Notice, desk_url: str) -> str | None:
    """Return where the desk shows the hold; None where no desk is configured."""
    return f"{desk_url.rstrip('/')}/holds/{notice.hold_id}" if desk_url else None


def _link(notice: Notice, desk_url: str) -> str:
    return link(notice, desk_url) or f"hold show {notice.hold_id}"


def _queue(desk_url: str) -> str:
    return f"{desk_url.rstrip('/')}/" if desk_url else "hold list --status proposed"


def _headline(notice: Notice) -> str:
    what, customer = _KIND[notice.kind], _line(notice.customer_name)
    match notice:
        case ToDecide(occasion="weakened"):
            return f"Back to decide, the case weakened: {what} for {customer}"
        case ToDecide(occasion="undone"):
            return f"Back to decide, the approval was undone: {what} for {customer}"
        case Reminder():
            return f"Still to decide: {what} for {customer}"
        case Escalated():
            return f"Escalated to {_line(notice.group)}: {what} for {customer}"
        case Expired():
            return f"Expired undecided: {what} for {customer}"
        case Decided(verdict=Verdict.APPROVE):
            return f"Approved: {what} for {customer}"
        case Decided():
            return f"Declined: {what} for {customer}"
        case _:
            return f"To decide: {what} for {customer}"


def _amount(notice: Notice) -> str:
    return f"{notice.total_open:,.2f} {notice.currency} open, {notice.days_overdue} days overdue"


def _whole(notice: Notice) -> list[str]:
    lines = [
        f"{_headline(notice)}",
        "",
        f"Customer:  {_line(notice.customer_name)} ({notice.customer_id})",
        f"Open:      {_amount(notice)} as of {notice.as_of}",
    ]
    match notice:
        case ToDecide():
            lines += [f"Changed:   {_line(change)}" for change in notice.because]
            lines += [
                f"Why:       {_line(notice.reason)}",
                f"Asked by:  {_line(notice.asked_by)}",
                f"Due:       {_minute(notice.due_at)}",
                "",
                "Nothing happens to the customer before somebody decides.",
            ]
        case Waiting():
            waited = f"{_span(notice.told_at - notice.opened_at)}, since {_minute(notice.opened_at)}"
            over = isinstance(notice, Expired)
            lines += [
                f"Why:       {_line(notice.reason)}",
                f"Asked by:  {_line(notice.asked_by)}",
                f"{'Waited:' if over else 'Waits:':10} {waited}",
                f"{'Expired:' if over else 'Expires:':10} {_minute(notice.due_at)}",
                "",
                _IN_VAIN[notice.kind] if over else _IN_TIME,
            ]
        case Decided():
            behalf = f" on behalf of {_line(', '.join(notice.on_behalf_of))}" if notice.on_behalf_of else ""
            lines += [
                f"Verdict:   {notice.verdict}d by {_line(notice.decided_by)}{behalf} on {_minute(notice.decided_at)}",
                f"Why:       {_line(notice.reason)}",
            ]
    return lines


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(time: timedelta) -> str:
    hours, seconds = divmod(time.seconds, 3600)
    for count, unit in ((time.days, "day"), (hours, "hour")):
        if count:
            return f"{count:,} {unit}{'s' if count > 1 else ''}"
    return f"{seconds // 60} minutes"


def _line(text: str) -> str:
    """Return the text as one line of bearable length: what people wrote must not pass for lines of ours."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
