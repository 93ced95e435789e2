"""What the page of a hold shows, read in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.permissions import Role
from credit.policy import Policy
from credit.states import (
    OPEN_HOLD,
    Beat,
    BeatStatus,
    HoldStatus,
    ProposalStatus,
    Verdict,
    WaitingOn,
    waiting_on,
)
from credit.triggers import TriggerKind
from db.models import Approval, Claim, Decision, Hold, HoldBeat, Message, NetSuitePush, NetSuiteRecord, Proposal
from db.repositories import audit, customer_page, holds, messages, netsuite
from db.repositories.tokens import Caller
from desk.pages.book import Book, moved, open_book
from desk.pages.timeline import Happened, told

_STEPS = {
    Beat.FLAG_CUSTOMER: "Flag the customer",
    Beat.NOTIFY_SALES_REP: "Draft the sales rep’s message",
    Beat.DRAFT_CUSTOMER_NOTICE: "Draft the customer’s notice",
    Beat.PUSH_NETSUITE: "Set NetSuite’s credit hold",
}
_UNFINISHED = (BeatStatus.PENDING, BeatStatus.RUNNING, BeatStatus.RETRYING)


@dataclass(frozen=True)
class Step:
    """A beat with its name for people; `row` is None before the approval."""

    beat: Beat
    name: str
    row: HoldBeat | None

    @property
    def status(self) -> BeatStatus:
        """Where it stands."""
        return self.row.status if self.row else BeatStatus.PENDING


@dataclass(frozen=True)
class HoldPage:
    """Everything on the page."""

    hold: Hold
    proposal: Proposal
    facts: Facts
    """As shown to the approver."""
    book: Book
    moved: list[tuple[str, str, str]]
    """Facts that differ now: name, proposed, now."""
    waiting_on: WaitingOn
    claim: Claim | None
    first_approval: Approval | None
    takes_two: bool
    barred: bool
    """Whether the policy bars this caller from approving: who asked for the hold."""
    decision: Decision | None
    undo_until: datetime | None
    steps: list[Step]
    record: NetSuiteRecord | None
    pushes: Sequence[NetSuitePush]
    messages: Sequence[Message]
    timeline: list[Happened]
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether there is something to decide."""
        return self.proposal.status is ProposalStatus.OPEN

    @property
    def standing(self) -> str:
        """What a person who is about to decide has to see anew when it changes."""
        holder = self.claim.holder if self.claim else ""
        return f"{self.proposal.revision}|{self.proposal.status}|{self.hold.status}|{holder}"

    @property
    def poll_seconds(self) -> int | None:
        """How often the page asks what is new; None where nothing will be."""
        if self.hold.status not in OPEN_HOLD:
            return None
        if self.is_open:
            return 5
        under_way = self.hold.status is not HoldStatus.IN_FORCE or any(
            step.status in _UNFINISHED for step in self.steps
        )
        return 2 if under_way else 15

    @property
    def workflow_path(self) -> str:
        """The workflow in the Temporal Web UI, behind the address of its namespace's workflows."""
        return f"{quote(self.hold.workflow_id, safe='')}/{quote(self.hold.run_id, safe='')}/history"


def read(session: Session, name: str, who: Caller, now: datetime) -> HoldPage:
    """Read a hold by its id or its customer's.

    Raises:
        UnknownHoldError: nothing matches.
    """
    hold = holds.find(session, name)
    proposal = holds.newest_proposal(session, hold.id)
    facts = Facts.model_validate(proposal.facts)
    as_of = (now + timedelta(days=hold.as_of_shift_days)).date()
    book = open_book(session, hold.customer_id, now, as_of=as_of, but=hold.id)
    rows = {row.beat: row for row in hold.beats}
    record = netsuite.record_of(session, hold.id)
    decision = customer_page.last_decision(session, hold.id)
    return HoldPage(
        hold=hold,
        proposal=proposal,
        facts=facts,
        book=book,
        moved=moved(facts, book.facts) if proposal.status is ProposalStatus.OPEN else [],
        waiting_on=_waiting_on(hold, proposal),
        claim=holds.live_claim(session, proposal.id, now),
        first_approval=customer_page.first_approval(session, proposal.id, proposal.revision),
        takes_two=_takes_two(facts, book.policy),
        barred=book.policy.bar_self_approval and who.role is not Role.ADMIN and _asked_for(hold, who.name),
        decision=decision,
        undo_until=_undo_until(decision, now),
        steps=[Step(beat, _STEPS[beat], rows.get(beat)) for beat in Beat] if rows else [],
        record=record,
        pushes=customer_page.pushes(session, hold.id, book.customer.netsuite_id),
        messages=messages.of_hold(session, hold.id),
        timeline=told(audit.chain_of(session, hold.id)),
        now=now,
    )


def _waiting_on(hold: Hold, proposal: Proposal) -> WaitingOn:
    if hold.status is HoldStatus.PROPOSED and proposal.status is not ProposalStatus.OPEN:
        return WaitingOn.NOBODY  # decided; the workflow is about to obey
    return waiting_on(hold.status, [row.status for row in hold.beats])


def _takes_two(facts: Facts, policy: Policy) -> bool:
    return policy.second_approver_above is not None and facts.total_open > policy.second_approver_above


def _asked_for(hold: Hold, name: str) -> bool:
    return any(trigger.kind is TriggerKind.MANUAL and trigger.actor == name for trigger in hold.triggers)


def _undo_until(decision: Decision | None, now: datetime) -> datetime | None:
    undoable = decision is not None and decision.verdict is Verdict.APPROVE and decision.outcome is None
    return decision.effective_at if undoable and decision is not None and now < decision.effective_at else None
