"""A hold in the Temporal Web UI: current details in Markdown that tell a stranger what waits for whom, and why.

The most urgent comes first: the page shows about ten lines before one has to scroll.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeUpdate

from credit.credit_hold import BlockSource
from credit.hold import HoldView
from credit.plain_text import shown_line
from credit.states import OPEN_HOLD, PLACING, RELEASING, Beat, BeatStatus, HoldStatus, WaitingOn
from credit.wording import counted, sentence, words
from workflows import contract
from workflows.contract import BeatState

_HEADLINES = {
    HoldStatus.PROPOSED: "Proposed: nothing has happened to the customer yet",
    HoldStatus.APPLYING: "Approved: the hold is being applied",
    HoldStatus.IN_FORCE: "In force: new orders are refused",
    HoldStatus.RELEASING: "Being released",
    HoldStatus.RELEASED: "Released",
    HoldStatus.DECLINED: "Declined: nothing happened to the customer",
    HoldStatus.EXPIRED: "Expired undecided: nothing happened to the customer",
    HoldStatus.WITHDRAWN: "Withdrawn: nothing happened to the customer",
}
_BLOCKED_HEADLINES = {
    HoldStatus.PROPOSED: "Proposed: the credit limit put the customer on credit hold; nothing else has happened yet",
    HoldStatus.DECLINED: "Declined: no service hold came into force",
    HoldStatus.EXPIRED: "Expired undecided: no service hold came into force",
    HoldStatus.WITHDRAWN: "Withdrawn: no service hold came into force",
}
"""Where auto-apply had acted before anybody decided."""
_NO_BEATS = (HoldStatus.PROPOSED, HoldStatus.DECLINED, HoldStatus.EXPIRED, HoldStatus.WITHDRAWN)
LAST_LINE = "\n\n\u00a0\n\n\u00a0"
"""The Web UI's box cuts off its last lines where others wrap: give it empty ones to cut."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def current_details(hold: HoldView, beats: Mapping[Beat, BeatState], waiting: WaitingOn) -> str:
    """Return the Markdown shown at the top of the workflow's page. What people wrote is shown, never interpreted."""
    facts = hold.facts
    lines = [f"**Waiting on {_waiting(hold, waiting)}**"]
    lines += [f"**Warning** {plain(warning)}" for warning in hold.warnings]
    lines += [f"**Note** {plain(line)}" for line in hold.note.splitlines()]
    lines += [f"**{sentence(beat.label)}** {_standing(state)}" for beat, state in _shown(hold, beats).items()]
    lines += [
        f"**Customer** {plain(hold.customer_name)} (`{hold.customer_id}`)",
        (
            f"**Open** {facts.total_open:,.2f} {facts.currency} in {counted(facts.open_invoices, 'invoice')}, "
            f"{facts.days_overdue} days overdue as of {facts.as_of}"
        ),
        f"**Why** {plain(hold.reason)} ({', '.join(trigger.label for trigger in hold.triggers)})",
        f"**Since** {utc(hold.opened_at)}, hold `{hold.hold_id}`, revision {hold.revision}",
        *_what_to_do(hold, waiting),
    ]
    return f"### {_headline(hold)}\n\n" + "  \n".join(lines) + LAST_LINE


def search_attributes(
    hold: HoldView, beats: Mapping[Beat, BeatState], waiting: WaitingOn
) -> list[SearchAttributeUpdate[Any]]:
    """Return what the Web UI's list shows of a hold, and can be searched by. No names: these are never encrypted."""
    return [
        contract.CUSTOMER_ID.value_set(hold.customer_id),
        contract.HOLD_STATUS.value_set(hold.status),
        contract.HOLD_TRIGGER.value_set(hold.triggers[0]),
        contract.WAITING_ON.value_set(waiting),
        contract.NETSUITE_PUSH.value_set(beats.get(Beat.RESTORE_NETSUITE, beats[Beat.PUSH_NETSUITE]).status),
        contract.RISK.value_set(contract.RISK_LEVEL),
        contract.DAYS_OVERDUE.value_set(hold.facts.days_overdue),
        contract.AR_BALANCE.value_set(float(hold.facts.ar_balance)),
    ]


def _headline(hold: HoldView) -> str:
    applied = BlockSource.AUTO_APPLY in hold.facts.blocked_by
    return (applied and _BLOCKED_HEADLINES.get(hold.status)) or _HEADLINES[hold.status]


def _shown(hold: HoldView, beats: Mapping[Beat, BeatState]) -> Mapping[Beat, BeatState]:
    if hold.status in _NO_BEATS:
        return {}
    over = hold.status in (HoldStatus.RELEASING, HoldStatus.RELEASED)
    return {beat: state for beat, state in beats.items() if beat in (RELEASING if over else PLACING)}


def _standing(state: BeatState) -> str:
    if state.status is BeatStatus.DONE or not state.last_error:
        return words(state.status)
    return f"{words(state.status)}: {plain(state.last_error)}"


def _waiting(hold: HoldView, waiting: WaitingOn) -> str:
    match waiting:
        case WaitingOn.APPROVER:
            what = "an approver, to release it," if hold.undecided else "an approver"
            return f"{what} until {utc(hold.due_at)}"
        case WaitingOn.NETSUITE:
            return "NetSuite: retried until it answers"
        case WaitingOn.OPERATOR:
            return "an operator to mend an error"
        case WaitingOn.NOBODY:
            return "nobody: runs until the hold is released" if hold.status in OPEN_HOLD else "nobody"


def _what_to_do(hold: HoldView, waiting: WaitingOn) -> list[str]:
    customer = hold.customer_id
    match waiting:
        case WaitingOn.APPROVER:
            how = f"`hold show {customer}`, then `hold approve {customer}` or `hold decline {customer}`"
            return [f"**Decide by** {utc(hold.due_at)}{_escalated(hold)}: {how}"]
        case WaitingOn.NETSUITE:
            return [f"**Try now** `hold retry {customer}`"]
        case WaitingOn.OPERATOR:
            return [f"**Once mended** `hold retry {customer}`"]
        case WaitingOn.NOBODY:
            return []


def _escalated(hold: HoldView) -> str:
    if hold.escalated_at is None:
        return ""
    return f", escalated to {plain(hold.escalated_to or 'the admins')} since {utc(hold.escalated_at)}"


def plain(text: str) -> str:
    """Return text in one line that Markdown leaves as it is."""
    return _MARKDOWN.sub(r"\\\1", shown_line(text))


def utc(at: datetime) -> str:
    """Return a time as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
