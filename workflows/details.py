"""A hold in the Temporal Web UI: current details in Markdown that tell a stranger what waits for whom, and why."""

from collections.abc import Mapping
from datetime import datetime

from credit.hold import HoldView
from credit.states import OPEN_HOLD, Beat, BeatStatus, HoldStatus, WaitingOn
from workflows.contract import BeatState

_BEAT_TITLES = {
    Beat.FLAG_CUSTOMER: "Flag customer on hold",
    Beat.NOTIFY_SALES_REP: "Draft the sales rep's message",
    Beat.DRAFT_CUSTOMER_NOTICE: "Draft the customer's notice",
    Beat.PUSH_NETSUITE: "Set NetSuite's credit hold",
}
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


def current_details(hold: HoldView, beats: Mapping[Beat, BeatState], waiting: WaitingOn) -> str:
    """Return the Markdown shown at the top of the workflow's page."""
    facts = hold.facts
    lines = [
        f"### {_HEADLINES[hold.status]}",
        "",
        f"**Customer** {hold.customer_name} (`{hold.customer_id}`)  ",
        f"**Open** {facts.total_open:,.2f} {facts.currency} in {facts.open_invoices} open invoice(s)  ",
        f"**Overdue** {facts.days_overdue} days as of {facts.as_of}  ",
        f"**Why** {hold.reason} _({', '.join(hold.triggers)})_  ",
        f"**Since** {_utc(hold.opened_at)}, hold `{hold.hold_id}`  ",
        f"**Waiting on** {_waiting(hold, waiting)}",
    ]
    if hold.warnings:
        lines += ["", "**Warnings**", *(f"- {warning}" for warning in hold.warnings)]
    if hold.note:
        lines += ["", "**Note**", *(f"- {line}" for line in hold.note.splitlines())]
    if hold.status not in (HoldStatus.PROPOSED, HoldStatus.DECLINED, HoldStatus.EXPIRED, HoldStatus.WITHDRAWN):
        lines += ["", "| Beat | Status | Last error |", "|---|---|---|"]
        lines += [f"| {_BEAT_TITLES[beat]} | {state.status} | {_cell(state)} |" for beat, state in beats.items()]
    return "\n".join(lines)


def _waiting(hold: HoldView, waiting: WaitingOn) -> str:
    if waiting is WaitingOn.APPROVER:
        return (
            f"**an approver**, until {_utc(hold.due_at)}. Look: `hold show {hold.customer_id}`. Decide: "
            f"`hold approve {hold.customer_id} --reason …` or `hold decline {hold.customer_id} --reason …` "
            f"(revision {hold.revision}). A raw signal decides nothing."
        )
    if waiting is WaitingOn.NETSUITE:
        return f"**NetSuite**: retried until it answers; try now with `hold retry {hold.customer_id}`"
    if waiting is WaitingOn.OPERATOR:
        return f"**an operator**: mend the error below, then `hold retry {hold.customer_id}`"
    return "**nobody**" + (": runs until the hold is released" if hold.status in OPEN_HOLD else "")


def _cell(state: BeatState) -> str:
    if state.status is BeatStatus.DONE or not state.last_error:
        return ""
    return state.last_error.replace("|", "\\|").replace("\n", " ")


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
