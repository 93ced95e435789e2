"""What the API answers with, for its contract. Answers may gain members: a client ignores what it does not know."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from credit.credit_hold import BlockSource
from credit.credit_limit import LimitState
from credit.states import (
    Beat,
    BeatStatus,
    EntityStatus,
    HoldStatus,
    MessageKind,
    MessageStatus,
    ProposalKind,
    ProposalStatus,
    Verdict,
    WaitingOn,
)
from credit.triggers import TriggerKind

_HOLD = "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11"
_CLAIM = "5d1f2c3b-7a64-4c0e-9a3a-1b2c3d4e5f60"
_DECISION = "c7a1e2d3-4b5a-4f6e-8d7c-9a0b1c2d3e4f"
_AT = "2027-03-01T09:00:00Z"


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(extra="allow", json_schema_extra={"examples": [members]})


class StartedHold(BaseModel):
    """The hold that a trigger opened (`created`) or reached."""

    model_config = _example(id=_HOLD, customer_id="1012", created=True, status="proposed", revision=1)

    id: UUID
    customer_id: str
    created: bool
    status: HoldStatus
    revision: int


class Facts(BaseModel):
    """What the customer owes, as shown at this revision. Amounts are strings."""

    model_config = _example(
        as_of="2027-03-01",
        currency="USD",
        total_open="40000.00",
        ar_balance="40000.00",
        days_overdue=120,
        prior_holds=0,
        open_disputes=0,
        payment_plan=False,
        promised_amount="0.00",
        promised_for=None,
        broken_promises=0,
        credit_limit="50000.00",
        exposure="40000.00",
        limit_state="acceptable",
        blocked_by=[],
    )

    as_of: date
    currency: str
    total_open: str
    ar_balance: str
    days_overdue: int
    prior_holds: int
    open_disputes: int
    payment_plan: bool
    promised_amount: str
    promised_for: date | None
    """The day by which `promised_amount` was promised; null without an unsettled promise."""
    broken_promises: int
    credit_limit: str | None
    """Null for no limit."""
    exposure: str | None
    limit_state: LimitState | None
    """Null where it never was evaluated."""
    blocked_by: list[BlockSource]
    """What keeps the customer on credit hold besides service holds."""


_FACTS = Facts.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]
_SUMMARY = {
    "id": _HOLD,
    "customer_id": "1012",
    "customer_name": "Harbour Foods Ltd",
    "status": "proposed",
    "waiting_on": "approver",
    "unsent_notice": None,
    "revision": 1,
    "reason": "a phone call revealed trouble",
    "triggers": ["manual"],
    "warnings": [],
    "facts": _FACTS,
    "due_at": "2027-03-31T09:00:00Z",
    "proposed_at": _AT,
    "in_force_at": None,
    "closed_at": None,
}


_PROPOSAL = {
    "id": _DECISION,
    "kind": "place",
    "status": "open",
    "opened_at": _AT,
    "due_at": "2027-03-31T09:00:00Z",
    "remind_at": "2027-03-03T09:00:00Z",
    "escalate_at": "2027-03-06T09:00:00Z",
    "escalated_at": None,
    "escalated_to": None,
    "evidence_count": 1,
    "effects": {
        "approve": ["NetSuite’s credit hold is set to ON."],
        "decline": ["Nothing is done to the customer."],
    },
}


class UnsentNotice(BaseModel):
    """A customer who is on hold, or off it again, and has not been told."""

    model_config = _example(
        message_id=_CLAIM,
        kind="customer_notice",
        status="pending_review",
        said="The customer is on hold and has not been told: the notice waits for somebody to approve it.",
    )

    message_id: UUID
    kind: MessageKind
    status: MessageStatus
    said: str
    """The same, in one sentence."""


class HoldSummary(BaseModel):
    """What a list shows of a hold."""

    model_config = _example(**_SUMMARY)

    id: UUID
    customer_id: str
    customer_name: str
    status: HoldStatus
    waiting_on: WaitingOn
    unsent_notice: UnsentNotice | None
    """The notice that has not reached the customer; null where it was told, or there is nothing to tell."""
    revision: int
    reason: str
    triggers: list[TriggerKind]
    warnings: list[str]
    facts: Facts
    due_at: datetime | None
    """By when it is to be decided; null where nothing is."""
    proposed_at: datetime
    in_force_at: datetime | None
    closed_at: datetime | None


class HoldList(BaseModel):
    """A page of holds."""

    model_config = _example(holds=[_SUMMARY], unreadable=[], next_cursor=None)

    holds: list[HoldSummary]
    unreadable: list[str] = []
    """Ids of holds that belong here and cannot be shown; the log says why."""
    next_cursor: str | None


class BeatState(BaseModel):
    """Where one beat stands."""

    model_config = _example(beat="push_netsuite", status="retrying", attempts=3, last_error="503", done_at=None)

    beat: Beat
    status: BeatStatus
    attempts: int
    last_error: str | None
    done_at: datetime | None


class NetSuiteState(BaseModel):
    """What NetSuite said before the hold, and what it says now."""

    model_config = _example(prior="AUTO", value="ON", read_back_at=_AT)

    prior: str | None
    value: str | None
    read_back_at: datetime | None


class MessageLine(BaseModel):
    """A message as its hold lists it."""

    model_config = _example(id=_CLAIM, kind="customer_notice", status="pending_review", revision=1)

    id: UUID
    kind: MessageKind
    status: MessageStatus
    revision: int


class TimelineEvent(BaseModel):
    """One line of a hold's life."""

    model_config = _example(at=_AT, what="hold_proposed", who="robin", why="a phone call revealed trouble")

    at: datetime
    what: str
    who: str
    on_behalf_of: list[str] = []
    """The absent people for whom `who` stood in."""
    why: str


class Proposal(BaseModel):
    """What is proposed about a hold, and by when it is to be decided."""

    model_config = _example(**_PROPOSAL)

    id: UUID
    kind: ProposalKind
    status: ProposalStatus
    opened_at: datetime
    due_at: datetime | None
    remind_at: datetime | None
    escalate_at: datetime | None
    escalated_at: datetime | None
    escalated_to: str | None
    evidence_count: int
    """How many reasons people have given: what a decision names as `evidence_seen`."""
    effects: dict[Verdict, list[str]] | None
    """What each decision would do, in sentences; null where nothing is to be decided."""


class Hold(HoldSummary):
    """One hold whole."""

    model_config = _example(
        **_SUMMARY,
        workflow_id="service-hold/1012",
        run_id="4f6e8d7c",
        proposal=_PROPOSAL,
        beats=[],
        netsuite={"prior": None, "value": None, "read_back_at": None},
        messages=[],
        timeline=[],
    )

    workflow_id: str
    run_id: str
    proposal: Proposal
    beats: list[BeatState]
    netsuite: NetSuiteState
    messages: list[MessageLine]
    timeline: list[TimelineEvent]


class Claim(BaseModel):
    """An exclusive, leased right to decide."""

    model_config = _example(claim=_CLAIM, revision=1, expires_at=_AT)

    claim: UUID
    revision: int
    expires_at: datetime


class Decision(BaseModel):
    """A decision that was written. Without an id it is the first of two approvals."""

    model_config = _example(id=_HOLD, decision_id=_DECISION, status="approved", delivered=True)

    id: UUID
    decision_id: UUID | None
    status: str
    """`approved`, `declined` or `awaiting_second_approver`; `approved` or `discarded` for a message."""
    delivered: bool
    """Whether the workflow has been told; where not, the relay tells it."""


class Undone(BaseModel):
    """The proposal that is open again."""

    model_config = _example(id=_HOLD, status="proposed", revision=2)

    id: UUID
    status: HoldStatus
    revision: int


class RetriedBeats(BaseModel):
    """Which beats are tried again."""

    model_config = _example(id=_HOLD, beats=["push_netsuite"])

    id: UUID
    beats: list[Beat]


class ReleaseProposed(BaseModel):
    """A hold and the release that is proposed for it; both stay as they are until somebody decides."""

    model_config = _example(id=_HOLD, customer_id="1012", status="in_force", revision=2, proposal=_PROPOSAL)

    id: UUID
    customer_id: str
    status: HoldStatus
    revision: int
    proposal: Proposal


class ChangedBeat(BaseModel):
    """A beat that a person left out or stopped."""

    model_config = _example(id=_HOLD, beat="push_netsuite", status="skipped")

    id: UUID
    beat: Beat
    status: BeatStatus


class OpenHold(BaseModel):
    """A customer's open hold."""

    model_config = _example(id=_HOLD, status="in_force")

    id: UUID
    status: HoldStatus


_CUSTOMER = {
    "id": "1012",
    "name": "Harbour Foods Ltd",
    "entitystatus": "active",
    "netsuite_id": "90812",
    "hold": None,
}


class Customer(BaseModel):
    """What a list shows of a customer."""

    model_config = _example(**_CUSTOMER)

    id: str
    name: str
    entitystatus: EntityStatus
    netsuite_id: str
    hold: OpenHold | None


class CustomerList(BaseModel):
    """A page of customers."""

    model_config = _example(customers=[_CUSTOMER], next_cursor=None)

    customers: list[Customer]
    next_cursor: str | None


class SalesRep(BaseModel):
    """Who sells to the customer."""

    model_config = _example(name="Robin Rep", email="robin@example.com")

    name: str
    email: str


class WholeCustomer(Customer):
    """A customer with what it owes today and its newest holds."""

    model_config = _example(**_CUSTOMER, email=None, sales_rep=None, facts=_FACTS, holds=[])

    email: str | None
    sales_rep: SalesRep | None
    facts: Facts
    holds: list[HoldSummary]
