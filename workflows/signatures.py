"""The activities as workflows see them: names, inputs and answers. `activities/` does the work.

Each input carries `now`, the workflow's own clock (docs/decisions/0017).
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel
from temporalio import activity

from credit.hold import HoldView, OpenedHold
from credit.states import Beat, HoldStatus, MessageKind
from credit.triggers import Trigger
from workflows.contract import AuditAnchorReport, Finding, Mending, MessageView, ReleaseSignal

Order = TypeVar("Order")
Answer = TypeVar("Answer")


class OpenHold(BaseModel):
    """Triggers that may open a hold. Of each, the id counts: the rest is believed from the row behind it only."""

    customer_id: str
    new_hold_id: UUID
    triggers: list[Trigger]
    now: datetime


class AddEvidence(BaseModel):
    """A trigger for an open hold. Its id counts."""

    hold_id: UUID
    trigger: Trigger
    now: datetime


class EvidenceAdded(BaseModel):
    """Whether the open hold took the trigger; if not, it is for the next proposal."""

    kept: bool
    hold: HoldView
    refused: bool = False
    """Whether nobody had asked for it: then it is kept for nothing."""


class SettleDecision(BaseModel):
    """A decision id that a signal named."""

    hold_id: UUID
    decision_id: UUID
    now: datetime


class DecisionSettled(BaseModel):
    """What became of it: refused, approved, declined, returned, undone, overtaken, or waiting.

    `returned`: the case weakened, decide again. `waiting`: the approval can still be taken back, for `wait`.
    """

    outcome: str
    actor: str
    why: str
    hold: HoldView
    wait: timedelta | None = None
    push_again: bool | None = None
    """Whether beat 4 is to run once more; None where an older version answered, which left that to be inferred."""


class CloseProposal(BaseModel):
    """End a proposal that nobody decided."""

    hold_id: UUID
    proposal_id: UUID
    ending: HoldStatus
    """`expired` when it is due, or `withdrawn` by Temporal's cancel."""
    reason: str = ""
    """What was said with the cancel."""
    now: datetime


class HoldAt(BaseModel):
    """A hold, at a time."""

    hold_id: UUID
    now: datetime


class RunBeat(BaseModel):
    """One beat of one hold."""

    hold_id: UUID
    beat: Beat
    now: datetime


class Drafted(BaseModel):
    """A message that was drafted, and the customer it belongs to."""

    message_id: UUID
    kind: MessageKind


class RefuseSignal(BaseModel):
    """A signal that meant nothing: what came, and what was wrong with it."""

    hold_id: UUID | None
    customer_id: str
    signal: str
    problem: str
    content: str
    now: datetime


class RequestRelease(BaseModel):
    """Somebody asked for the release of a hold. The request's id counts."""

    hold_id: UUID
    request: ReleaseSignal
    now: datetime


class WithdrawMessage(BaseModel):
    """A message whose hold is said to be over."""

    message_id: UUID
    now: datetime


class MessageAt(BaseModel):
    """A message, at a time."""

    message_id: UUID
    now: datetime


class HeedMessageSignal(BaseModel):
    """A signal about a message, and the decision it named."""

    message_id: UUID
    signal: str
    decision_id: UUID | None
    now: datetime


class OpenAgingRun(BaseModel):
    """A scan that begins. `due_at` is when its schedule wanted it."""

    run_id: UUID
    workflow_id: str
    requested_by: str
    as_of: date | None
    due_at: datetime
    time_zone: str
    now: datetime


class AgingRun(BaseModel):
    """A scan that has begun, and the day it looks at."""

    run_id: UUID
    as_of: date


class ReadAgingPage(BaseModel):
    """The next customers above the threshold, in the order of their ids."""

    run_id: UUID
    as_of: date
    after: str | None
    limit: int
    now: datetime


class AgingCandidate(BaseModel):
    """A customer to propose a hold for, and why."""

    customer_id: str
    reason: str


class AgingPage(BaseModel):
    """Whom to propose. Those who are not are written down with the reason already. `last` is None after the end."""

    to_propose: list[AgingCandidate]
    last: str | None


class ProposeCandidates(BaseModel):
    """Candidates to propose, a few at a time."""

    run_id: UUID
    as_of: date
    requested_by: str
    task_queue: str
    candidates: list[AgingCandidate]


class CloseAgingRun(BaseModel):
    """A scan that is over."""

    run_id: UUID
    now: datetime


class DriftPage(BaseModel):
    """The next records to compare with NetSuite, in the order of their NetSuite ids."""

    after: str | None


class DriftCompared(BaseModel):
    """What was found on a page, and whose workflow is to be told; `after` is None behind the last one."""

    looked_at: int
    differing: int
    to_tell: list[str]
    """Customer ids."""
    after: str | None


class UnheldPage(BaseModel):
    """The next customers that are ON in NetSuite. `since` is when the check began."""

    after: str | None
    since: datetime


class UnheldFound(BaseModel):
    """How many of a page no hold here answers for; `after` is None behind the last one."""

    unheld: int
    after: str | None


class Look(StrEnum):
    """What a reconcile compares with Temporal, or Temporal with."""

    HOLDS = "holds"
    MESSAGES = "messages"
    WORKFLOWS = "workflows"


class ReconcilePage(BaseModel):
    """The next things of one sort to compare. `after` is the cursor the page before answered."""

    look: Look
    mending: Mending
    requested_by: str
    task_queue: str
    after: str | None
    now: datetime


class Reconciled(BaseModel):
    """What was found on a page; `after` is None behind the last one."""

    looked_at: int
    findings: list[Finding]
    after: str | None


class AnchorAudit(BaseModel):
    """The heads of the audit chains are to be written down. `previous` is what the anchor before reported."""

    previous: AuditAnchorReport | None
    now: datetime


def _activity(name: str, order: type[Order], answer: type[Answer]) -> Callable[[Order], Answer]:
    def called(order: Order) -> Answer:
        raise NotImplementedError(name, order)  # `activities/` does it

    called.__annotations__ = {"order": order, "return": answer}
    return activity.defn(name=name)(called)


open_hold = _activity("open_hold", OpenHold, OpenedHold)
"""Propose a hold, or take up the customer's open one."""
add_evidence = _activity("add_evidence", AddEvidence, EvidenceAdded)
"""Add a trigger to an open hold."""
settle_decision = _activity("settle_decision", SettleDecision, DecisionSettled)
"""Obey a decision's row, once."""
close_proposal = _activity("close_proposal", CloseProposal, bool)
"""Expire or withdraw a proposal; False where a decision came first."""
put_in_force = _activity("put_in_force", HoldAt, type(None))
"""Mark an applying hold as in force."""
flag_customer = _activity("flag_customer", RunBeat, type(None))
"""Beat 1: `customers.entitystatus='hold'`."""
draft_message = _activity("draft_message", RunBeat, Drafted)
"""Beats 2 and 3: draft the sales rep's message or the customer's notice."""
push_netsuite = _activity("push_netsuite", RunBeat, type(None))
"""Beat 4: make NetSuite's customer record say `creditHoldOverride = ON`."""
look_at_hold = _activity("look_at_hold", HoldAt, HoldView)
"""Do what has become due about a hold, and answer how it stands."""
propose_repair = _activity("propose_repair", HoldAt, HoldView)
"""Open a proposal to repair what NetSuite says, or withdraw one that has become moot."""
compare_with_netsuite = _activity("compare_with_netsuite", DriftPage, DriftCompared)
"""Compare a page of records with what NetSuite says of them, and note each difference."""
find_unheld = _activity("find_unheld", UnheldPage, UnheldFound)
"""Find customers that are ON in NetSuite and have no hold here."""
request_release = _activity("request_release", RequestRelease, HoldView)
"""Propose to release a hold; refused (and audited) unless it is applying or in force."""
unflag_customer = _activity("unflag_customer", RunBeat, type(None))
"""Release: give `customers.entitystatus` back what beat 1 found."""
restore_netsuite = _activity("restore_netsuite", RunBeat, type(None))
"""Release: make NetSuite's customer record say again what it said before the hold."""
unsent_messages = _activity("unsent_messages", HoldAt, list[UUID])
"""Answer the hold's messages that have not left."""
finish_release = _activity("finish_release", HoldAt, type(None))
"""Close a hold whose release is carried out."""
refuse_signal = _activity("refuse_signal", RefuseSignal, type(None))
"""Keep an audit row of a signal that changed nothing."""
withdraw_message = _activity("withdraw_message", WithdrawMessage, str)
"""Withdraw a message that has not left, if its hold is over; answers the status it has now."""
read_message = _activity("read_message", MessageAt, MessageView)
"""Take up what the record says of a message."""
heed_message_signal = _activity("heed_message_signal", HeedMessageSignal, MessageView)
"""Find the row behind a signal and obey it; a signal without one is audited and changes nothing."""
send_message = _activity("send_message", MessageAt, MessageView)
"""Send an approved message whose cooling-off is over; raises where it has to be tried again."""
open_aging_run = _activity("open_aging_run", OpenAgingRun, AgingRun)
"""Write a scan's row, and settle which day it looks at."""
read_aging_page = _activity("read_aging_page", ReadAgingPage, AgingPage)
"""Find whom to propose next, and write down who is not, and why."""
propose_candidates = _activity("propose_candidates", ProposeCandidates, int)
"""Propose a hold for each candidate, and wait for each; answers how many were new."""
close_aging_run = _activity("close_aging_run", CloseAgingRun, dict[str, int])
"""Close a scan's row; answers disposition -> customers."""
reconcile_page = _activity("reconcile_page", ReconcilePage, Reconciled)
"""Compare a page of the record with Temporal, or of Temporal with the record, and mend what may be mended."""
anchor_audit = _activity("anchor_audit", AnchorAudit, AuditAnchorReport)
"""Append the heads of the chains that grew to the anchor file; answers where the file stands."""
