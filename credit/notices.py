"""What people are told by mail and chat tools, and in which words. No bank details, no evidence: a link leads there."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, model_validator

from credit.actors import OwnActor
from credit.mail_text import harmless
from credit.states import ProposalKind, Verdict

SYSTEM = OwnActor.SYSTEM
"""Who asked, where nobody did: this system itself."""

_LISTED = 20
"""Items that a digest names, the largest first; the rest are counted."""
_LONGEST = 300
"""Characters of a reason that are quoted."""


class Occasion(StrEnum):
    """Why something is to be decided now."""

    NEW = "new"
    WEAKENED = "weakened"
    """It was approved, and is back because the case weakened since."""
    UNDONE = "undone"
    """Its approval was taken back."""


class Cause(NamedTuple):
    """Whose doing a proposal is: whoever causes one says so, for it cannot be told from the proposal."""

    by: str
    """Who asks for what is proposed: a login, a program's name, or `SYSTEM`."""
    reason: str
    """Of what is proposed."""
    occasion: Occasion = Occasion.NEW
    changes: Sequence[str] = ()
    """With `weakened`, what changed; with `undone`, who took the approval back and why."""


class Notice(BaseModel):
    """What every notice says: about which hold, of whom, how much, and what holds for the customer meanwhile."""

    hold_id: UUID
    kind: ProposalKind
    customer_id: str
    customer_name: str
    total_open: Decimal
    currency: str
    days_overdue: int
    as_of: date
    held_besides: list[str] | None = None
    """What else keeps the customer on credit hold, whatever becomes of this hold; None where it is not known."""


class Asking(Notice):
    """What is proposed, by whom and why."""

    proposal_id: UUID | None = None
    reason: str
    """Of what is proposed: a release's is not its hold's."""
    asked_by: str
    """A login or a program's name; `SYSTEM` for the system itself."""
    due_at: datetime


class ToDecide(Asking):
    """A proposal waits for an approver."""

    occasion: Occasion
    because: list[str] = []
    """`Cause.changes`."""

    @model_validator(mode="after")
    def _of_the_version_before(self) -> Self:
        """Take back what a notice cannot have known: it gave each release and repair its hold's reason, and `undone`.

        Such a one does not name its proposal.
        """
        if self.proposal_id is None and self.kind is not ProposalKind.PLACE:
            self.occasion, self.reason = Occasion.NEW, ""
            if self.kind is ProposalKind.REPAIR:
                self.asked_by = SYSTEM
        return self


class Waiting(Asking):
    """A proposal has waited for an approver since `opened_at`."""

    opened_at: datetime
    told_at: datetime


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
    asked_for: str = ""
    """Why it had been asked for; empty where that is not known."""


class Released(Notice):
    """A release that somebody asked for is carried out, in NetSuite too."""

    asked_for: str
    """Why it had been."""
    released_at: datetime


class _Words(BaseModel):
    """What is said of one kind of proposal."""

    what: str
    until_decided: str
    if_it_expires: str
    expired: str
    approved: str
    declined: str


_WORDS = {
    ProposalKind.PLACE: _Words(
        what="hold",
        until_decided="Nothing happens to the customer before somebody decides.",
        if_it_expires="no hold is placed",
        expired="No hold was placed.",
        approved="The hold is put in force: new orders, rates and loads stop.",
        declined="No hold is placed.",
    ),
    ProposalKind.RELEASE: _Words(
        what="release",
        until_decided="The hold stays in force before a release is approved: new orders, rates and loads stay stopped.",
        if_it_expires="the hold stays in force",
        expired="The hold stays in force.",
        approved="The hold is lifted.",
        declined="The hold stays in force.",
    ),
    ProposalKind.REPAIR: _Words(
        what="NetSuite repair",
        until_decided=(
            "The customer stays on hold here; until somebody decides, what is entered in NetSuite itself goes by what "
            "NetSuite says."
        ),
        if_it_expires="NetSuite stays as it is, and the hold in force",
        expired="NetSuite stays as it is, and the hold in force.",
        approved="NetSuite is written again. The hold stays in force.",
        declined="What NetSuite says is accepted. The hold stays in force here.",
    ),
}


def mail(notices: Sequence[Notice], desk_url: str) -> tuple[str, str]:
    """Return subject and plain text of one mail about all these notices."""
    if len(notices) == 1:
        [notice] = notices
        return f"{_headline(notice)}: {_amount(notice)}", "\n".join([*_whole(notice), "", _link(notice, desk_url), ""])
    decided = sum(isinstance(notice, Decided) for notice in notices)
    expired = sum(isinstance(notice, Expired) for notice in notices)
    released = sum(isinstance(notice, Released) for notice in notices)
    open_ones = len(notices) - decided - expired - released
    counts = [(open_ones, "to decide"), (decided, "decided"), (expired, "expired"), (released, "released")]
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
    what, customer = _WORDS[notice.kind].what, _line(notice.customer_name)
    match notice:
        case ToDecide(occasion=Occasion.WEAKENED):
            return f"Back to decide, the case weakened: {what} for {customer}"
        case ToDecide(occasion=Occasion.UNDONE):
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
        case Released():
            return f"Carried out: {what} for {customer}"
        case _:
            return f"To decide: {what} for {customer}"


def _amount(notice: Notice) -> str:
    return f"{notice.total_open:,.2f} {notice.currency} open, {notice.days_overdue} days overdue"


def _whole(notice: Notice) -> list[str]:
    return [
        _headline(notice),
        "",
        _row("Customer", f"{_line(notice.customer_name)} ({_line(notice.customer_id)})"),
        _row("Open", f"{_amount(notice)} as of {notice.as_of}"),
        *_rows(notice),
        "",
        _meanwhile(notice),
    ]


def _rows(notice: Notice) -> list[str]:
    """Return what this kind of notice says of itself, line by line."""
    match notice:
        case ToDecide():
            label = "Undone" if notice.occasion is Occasion.UNDONE else "Changed"
            changes = [_row(label, _line(change)) for change in notice.because]
            return [*changes, *_asked(notice), _row("Due", _minute(notice.due_at))]
        case Waiting():
            waited = f"{_span(notice.told_at - notice.opened_at)}, since {_minute(notice.opened_at)}"
            over = isinstance(notice, Expired)
            ends = _row("Expired" if over else "Expires", _minute(notice.due_at))
            return [*_asked(notice), _row("Waited" if over else "Waits", waited), ends]
        case Decided():
            behalf = f" on behalf of {_line(', '.join(notice.on_behalf_of))}" if notice.on_behalf_of else ""
            decided = f"{notice.verdict}d by {_who(notice.decided_by)}{behalf} on {_minute(notice.decided_at)}"
            asked = [_row("Asked for", _line(notice.asked_for))] if notice.asked_for else []
            return [*asked, _row("Verdict", decided), _row("Why", _line(notice.reason))]
        case Released():
            return [_row("Asked for", _line(notice.asked_for)), _row("Released", _minute(notice.released_at))]
        case _:
            raise TypeError(f"nothing is said of a {type(notice).__name__}")


def _asked(notice: Asking) -> list[str]:
    return [_row("Why", _line(notice.reason) or "see the hold"), _row("Asked by", _who(notice.asked_by))]


def _meanwhile(notice: Notice) -> str:
    """Return what holds for the customer, and what does not."""
    words, besides = _WORDS[notice.kind], _besides(notice)
    match notice:
        case ToDecide() if notice.kind is ProposalKind.PLACE and besides:
            return f"{besides} Nothing else happens to the customer before somebody decides."
        case ToDecide():
            return f"{words.until_decided} {besides}".strip()
        case Expired():
            return f"{words.expired} {besides}".strip()
        case Released():
            return f"The hold is lifted, and NetSuite has its prior value again. {besides}".strip()
        case Decided():
            outcome = words.approved if notice.verdict is Verdict.APPROVE else words.declined
            return f"{outcome} {besides}".strip()
        case _:
            return (
                f"If nobody decides by then it expires: nothing is approved, {words.if_it_expires}. {besides}".strip()
            )


def _besides(notice: Notice) -> str:
    """Say what else keeps the customer on credit hold: whatever is decided here, or for a new hold already."""
    if not notice.held_besides:
        return ""
    causes = "; ".join(map(_line, notice.held_besides))
    if notice.kind is ProposalKind.PLACE:
        return f"The customer is on credit hold already: {causes}."
    return f"Whatever becomes of this hold, the customer stays on credit hold: {causes}."


def _row(label: str, text: str) -> str:
    return f"{label + ':':10} {text}"


def _who(actor: str) -> str:
    return "the system" if actor == SYSTEM else _line(actor) or "see the hold"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(time: timedelta) -> str:
    hours, seconds = divmod(time.seconds, 3600)
    for count, unit in ((time.days, "day"), (hours, "hour")):
        if count:
            return f"{count:,} {unit}{'s' if count > 1 else ''}"
    return f"{seconds // 60} minutes"


def _line(text: str) -> str:
    """Return the text as one line of bearable length: what people wrote must not pass for lines or headers of ours."""
    text = harmless(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
