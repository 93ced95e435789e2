"""What is answered about holds: shapes that outside programs rely on."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from credit import bulk, facts
from credit.credit_hold import BlockSource
from credit.credit_limit import LimitState
from credit.customer_standing import CustomerStanding
from credit.outcomes import ExceptionScope, Outcome
from credit.states import (
    PLACING,
    RELEASING,
    Beat,
    BeatStatus,
    Delivery,
    HoldStatus,
    MessageKind,
    MessageStatus,
    ProposalKind,
    ProposalStatus,
    TextFormat,
    Verdict,
    WaitingOn,
    waiting_on,
)
from credit.triggers import ReasonClass, TriggerKind, reason_class
from credit.untold import Standing, Untold, untold
from db import audit, models, netsuite, row_by_row
from db.holds import customer_standings, drift, evidence, holds, outcomes, prior_holds
from db.messages import messages
from db.row_by_row import Unreadable
from services.answers import Amount, Answer, Currency, CustomerId, CustomerName, Login, Time
from services.holds import effects

_OUTCOMES = frozenset(Outcome)


class Facts(Answer):
    """What the customer owes, as shown at this revision. Amounts are strings."""

    as_of: date
    currency: Currency
    total_open: Amount
    ar_balance: Amount
    days_overdue: int
    prior_holds: int
    open_disputes: int
    payment_plan: bool
    promised_amount: Amount
    promised_for: date | None
    """The day by which `promised_amount` was promised; null without an unsettled promise."""
    broken_promises: int
    credit_limit: Amount | None
    """Null for no limit."""
    exposure: Amount | None
    limit_state: LimitState | None
    """Null where it never was evaluated."""
    blocked_by: list[BlockSource]
    """What keeps the customer on credit hold besides service holds."""

    @classmethod
    def of(cls, known: facts.Facts) -> Self:
        """Show what is known of a customer."""
        return cls.of_row(known, blocked_by=list(known.blocked_by))


class HoldSummary(Answer):
    """What a list shows of a hold."""

    id: UUID
    customer_id: CustomerId
    customer_name: CustomerName
    status: HoldStatus
    waiting_on: WaitingOn
    unsent_notice: Untold | None
    """The notice that has not reached the customer; null where it was told, or there is nothing to tell."""
    revision: int
    """Of the newest proposal: what a decision names."""
    reason: str
    triggers: list[TriggerKind]
    reason_class: ReasonClass
    """What the hold rests on."""
    warnings: list[str]
    facts: Facts
    due_at: Time | None
    """By when it is to be decided; null where nothing is."""
    proposed_at: Time
    in_force_at: Time | None
    closed_at: Time | None

    @classmethod
    def of(cls, hold: models.Hold, proposal: models.Proposal, drafted: Sequence[Standing]) -> Self:
        """Show a hold with its newest proposal, and where its messages stand."""
        kinds = [trigger.kind for trigger in hold.triggers]
        return cls.of_row(
            hold,
            customer_name=hold.customer.name,
            waiting_on=whose_move(hold, proposal),
            unsent_notice=untold(hold.status, drafted),
            revision=proposal.revision,
            triggers=list(dict.fromkeys(kinds)),
            reason_class=reason_class(kinds),
            warnings=proposal.warnings,
            facts=Facts.of(facts.Facts.model_validate(proposal.facts)),
            due_at=proposal.due_at if proposal.status is ProposalStatus.OPEN else None,
        )


def whose_move(hold: models.Hold, proposal: models.Proposal) -> WaitingOn:
    """Return whom a hold with this newest proposal waits for. Its beats are loaded."""
    beats = RELEASING if hold.status is HoldStatus.RELEASING else PLACING
    undecided = proposal.kind is not ProposalKind.PLACE and proposal.status is ProposalStatus.OPEN
    return waiting_on(hold.status, [row.status for row in hold.beats if row.beat in beats], undecided=undecided)


class HoldList(Answer):
    """A page of holds."""

    holds: list[HoldSummary]
    unreadable: list[str]
    """Ids of holds that belong here and cannot be shown; the log says why."""
    next_cursor: str | None = None

    @classmethod
    def of(cls, session: Session, rows: Sequence[models.Hold], next_cursor: str | None = None) -> Self:
        """Show holds in the order given."""
        ids = [hold.id for hold in rows]
        proposals, drafted = holds.newest_proposals(session, ids), messages.standing(session, ids)

        def shown(hold: models.Hold) -> HoldSummary:
            return HoldSummary.of(hold, proposals[hold.id], drafted.get(hold.id, []))

        built, unreadable = row_by_row.parted(row_by_row.build(rows, shown, lambda hold: Unreadable(str(hold.id))))
        return cls(holds=built, unreadable=unreadable, next_cursor=next_cursor)


class BeatState(Answer):
    """Where one beat stands."""

    beat: Beat
    status: BeatStatus
    attempts: int
    last_error: str | None
    done_at: Time | None

    @classmethod
    def of(cls, beat: Beat, row: models.HoldBeat | None) -> Self:
        """Show one beat of a hold; without a row it has not been planned yet."""
        if row is None:
            return cls(beat=beat, status=BeatStatus.PENDING, attempts=0, last_error=None, done_at=None)
        return cls.of_row(row)


class NetSuiteState(Answer):
    """What NetSuite said before the hold, and what it says now."""

    prior: str | None
    value: str | None
    read_back_at: Time | None
    gaps: list[str]
    """What NetSuite would let through, or block, whatever the hold says; as last seen."""

    @classmethod
    def of(cls, session: Session, hold_id: UUID) -> Self:
        """Show what is on record of a hold's customer in NetSuite."""
        record = netsuite.record_of(session, hold_id)
        if record is None:
            return cls(prior=None, value=None, read_back_at=None, gaps=[])
        return cls.of_row(record, gaps=drift.gaps_of(session, record.netsuite_id))


class MessageLine(Answer):
    """A message as its hold lists it."""

    id: UUID
    kind: MessageKind
    status: MessageStatus
    revision: int
    recipient: str | None
    subject: str
    body: str
    format: TextFormat
    send_after: Time | None
    delivery: Delivery | None
    delivery_error: str | None
    sent_at: Time | None

    @classmethod
    def of(cls, row: models.Message) -> Self:
        """Show a message in its newest revision."""
        newest = row.revisions[-1]
        return cls.of_row(row, subject=newest.subject, body=newest.body, format=newest.format)


class TimelineEvent(Answer):
    """One line of a hold's life."""

    at: Time
    what: Annotated[str, Field(examples=["hold_proposed"])]
    who: Login
    on_behalf_of: list[Login]
    """The absent people for whom `who` stood in."""
    why: str

    @classmethod
    def of(cls, event: models.AuditEvent) -> Self:
        """Show an event of the hold's audit chain."""
        detail = event.detail
        return cls(
            at=event.at,
            what=event.action,
            who=event.actor,
            on_behalf_of=detail.get("on_behalf_of") or [],
            why=detail.get("why") or detail.get("error") or "",
        )


class Proposal(Answer):
    """What is proposed about a hold, and by when it is to be decided."""

    id: UUID
    kind: ProposalKind
    status: ProposalStatus
    note: str
    """The case, written for who decides."""
    opened_at: Time
    due_at: Time | None
    """This and the next two: null where nothing is to be decided any more."""
    remind_at: Time | None
    escalate_at: Time | None
    escalated_at: Time | None
    escalated_to: str | None
    claimed_by: Login | None
    claim_expires_at: Time | None
    first_approval_by: Login | None
    """Where it takes two: who approved this revision first."""
    undo_until: Time | None
    """Until when its approval can be taken back; null where it cannot."""
    evidence_count: int
    """How many reasons people have given: what a decision names as `evidence_seen`."""
    effects: Annotated[
        dict[Verdict, list[str]] | None,
        Field(examples=[{"approve": ["Blocks every tariff."], "decline": []}]),
    ]
    """What each decision would do, in sentences; null where nothing is to be decided."""

    @classmethod
    def of(cls, session: Session, hold: models.Hold, proposal: models.Proposal, now: datetime) -> Self:
        """Show the newest proposal of a hold."""
        is_open = proposal.status is ProposalStatus.OPEN
        claim = holds.live_claim(session, proposal.id, now)
        over = {} if is_open else {"due_at": None, "remind_at": None, "escalate_at": None}
        return cls.of_row(
            proposal,
            **over,
            claimed_by=claim.holder if claim else None,
            claim_expires_at=claim.expires_at if claim else None,
            first_approval_by=holds.first_approver(session, proposal),
            undo_until=holds.undo_until(session, proposal, now),
            evidence_count=evidence.count(session, proposal),
            effects=effects.of_deciding(session, hold, proposal, now) if is_open else None,
        )


class PriorHold(Answer):
    """An earlier hold of the customer, and how it ended."""

    id: UUID
    proposed_at: Time
    in_force_at: Time | None
    ended_at: Time | None
    days_held: int | None
    status: HoldStatus
    reason: str
    end_cause: str | None
    end_reason: str | None


class Evidence(Answer):
    """Who or what asked for the hold, and why."""

    kind: TriggerKind
    reason: str
    actor: Login
    at: Time


class HoldException(Answer):
    """An order or load that a hold lets through."""

    id: UUID
    scope: ExceptionScope
    reference: str
    """The order's or load's id."""
    reason: str
    until: date
    """The last day on which it counts (UTC)."""
    created_by: Login
    created_at: Time
    ended_at: Time | None
    ended_by: Login | None
    end_reason: str | None


class HoldExceptions(Answer):
    """What a hold lets through, exceptions that are over too."""

    exceptions: list[HoldException]

    @classmethod
    def of(cls, session: Session, hold_id: UUID) -> Self:
        """Show the exceptions of a hold."""
        return cls(exceptions=[HoldException.of_row(row) for row in outcomes.exceptions_of(session, hold_id)])


class Hold(HoldSummary):
    """One hold whole."""

    customer_standing: CustomerStanding
    """Of the customer, whatever this hold says."""
    workflow_id: Annotated[str, Field(examples=["service-hold/1012"])]
    run_id: str
    proposal: Proposal
    """The newest one."""
    prior_holds_detail: list[PriorHold]
    evidence: list[Evidence]
    """The reasons given for the hold, the oldest first."""
    beats: list[BeatState]
    """What placing the hold does."""
    release_beats: list[BeatState]
    """What its release does; empty before that is approved."""
    netsuite: NetSuiteState
    messages: list[MessageLine]
    end_date: date | None
    """The day (UTC) on which its release is proposed by itself."""
    review_date: date | None
    exceptions: list[HoldException]
    outcomes: list[TimelineEvent]
    """Those lines of the timeline that change how the hold ends."""
    timeline: list[TimelineEvent]

    @classmethod
    def whole(cls, session: Session, hold: models.Hold, now: datetime) -> Self:
        """Show everything that is known of a hold."""
        proposal = holds.newest_proposal(session, hold.id)
        summary = HoldSummary.of(hold, proposal, messages.standing(session, [hold.id]).get(hold.id, []))
        beats = {row.beat: row for row in hold.beats}
        earlier = prior_holds.of_customer(session, hold.customer_id, before=hold.proposed_at)
        timeline = [TimelineEvent.of(event) for event in audit.chain_of(session, hold.id)]
        return cls.of_row(
            hold,
            **dict(summary),
            customer_standing=customer_standings.one(session, hold.customer_id, now),
            proposal=Proposal.of(session, hold, proposal, now),
            prior_holds_detail=[PriorHold.of_row(past) for past in earlier],
            evidence=[Evidence.of_row(trigger) for trigger in hold.triggers],
            beats=[BeatState.of(beat, beats.get(beat)) for beat in PLACING],
            release_beats=[BeatState.of(beat, beats[beat]) for beat in RELEASING if beat in beats],
            netsuite=NetSuiteState.of(session, hold.id),
            messages=[MessageLine.of(row) for row in messages.of_hold(session, hold.id)],
            exceptions=HoldExceptions.of(session, hold.id).exceptions,
            outcomes=[event for event in timeline if event.what in _OUTCOMES],
            timeline=timeline,
        )


class StartedHold(Answer):
    """The hold that a trigger opened (`created`) or reached."""

    id: UUID
    customer_id: CustomerId
    status: HoldStatus
    revision: int
    created: bool

    @classmethod
    def of(cls, session: Session, hold: models.Hold, *, created: bool) -> Self:
        """Show where the hold stands."""
        return cls.of_row(hold, revision=holds.newest_proposal(session, hold.id).revision, created=created)


class Claim(Answer):
    """An exclusive, leased right to decide: what to name in the decision, and until when."""

    claim: UUID
    revision: int
    expires_at: Time

    @classmethod
    def of(cls, claim: models.Claim, revision: int) -> Self:
        """Show a claim of what is at `revision` now."""
        return cls(claim=claim.id, revision=revision, expires_at=claim.expires_at)


class Decision(Answer):
    """A decision that was written. Without an id it is the first of two approvals."""

    id: UUID
    """The hold's."""
    decision_id: UUID | None
    status: Literal["approved", "declined", "awaiting_second_approver"]
    delivered: bool
    """Whether the workflow has been told; where not, the relay tells it."""

    @classmethod
    def of(cls, decision: models.Decision, *, delivered: bool) -> Self:
        """Show a decision."""
        status: Literal["approved", "declined"] = "approved" if decision.verdict is Verdict.APPROVE else "declined"
        return cls(id=decision.hold_id, decision_id=decision.id, status=status, delivered=delivered)

    @classmethod
    def first_of_two(cls, hold_id: UUID) -> Self:
        """Show an approval that waits for a second person's."""
        return cls(id=hold_id, decision_id=None, status="awaiting_second_approver", delivered=False)


class Undone(Answer):
    """The proposal that is open again."""

    id: UUID
    status: HoldStatus
    revision: int

    @classmethod
    def of(cls, proposal: models.Proposal, hold: models.Hold) -> Self:
        """Show the proposal that is open again after an approval was taken back."""
        return cls(id=hold.id, status=hold.status, revision=proposal.revision)


class ReleaseProposed(Answer):
    """A hold and the release that is proposed for it; both stay as they are until somebody decides."""

    id: UUID
    customer_id: CustomerId
    status: HoldStatus
    revision: int
    proposal: Proposal

    @classmethod
    def of(cls, session: Session, hold: models.Hold, now: datetime) -> Self:
        """Show the release of a hold."""
        proposal = holds.newest_proposal(session, hold.id)
        shown = Proposal.of(session, hold, proposal, now)
        return cls.of_row(hold, revision=proposal.revision, proposal=shown)


class RetriedBeats(Answer):
    """Which beats are tried again."""

    id: UUID
    beats: list[Beat]


class ChangedBeat(Answer):
    """A beat that a person left out or stopped."""

    id: UUID
    beat: Beat
    status: BeatStatus

    @classmethod
    def of(cls, hold: models.Hold, beat: Beat) -> Self:
        """Show where a beat of the hold stands."""
        [row] = [row for row in hold.beats if row.beat is beat]
        return cls(id=hold.id, beat=beat, status=row.status)


class BulkItem(Answer):
    """One line of many, and what became of it; in a dry run, what would."""

    line: int
    customer_id: CustomerId
    customer_name: CustomerName | None
    """Null for an unknown customer."""
    total_open: str | None
    """In the ledger's currency."""
    hold_id: UUID | None
    outcome: bulk.Outcome
    why: str
    """Why it was refused, or failed."""


class BulkProposals(Answer):
    """Every line that was sent, in the same order."""

    items: list[BulkItem]
