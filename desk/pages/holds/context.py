"""What the page of a hold shows, read in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy.orm import Session

from credit import untold
from credit.credit_hold import BlockSource
from credit.customer_standing import CustomerStanding
from credit.eligibility import Block
from credit.facts import Facts
from credit.permissions import Role
from credit.states import (
    BEAT_OVER,
    MESSAGE_MOVES,
    OPEN_HOLD,
    PLACING,
    RELEASING,
    Beat,
    BeatStatus,
    HoldStatus,
    ProposalKind,
    ProposalStatus,
    Verdict,
)
from credit.triggers import ReasonClass, reason_class
from credit.untold import Untold
from credit.wording import span
from db import audit, netsuite
from db.act import Act
from db.freight import eligibility
from db.holds import customer_standings, evidence, four_eyes, hold_page, holds
from db.holds.evidence import Said
from db.messages import messages
from db.models import (
    Approval,
    Claim,
    Decision,
    Hold,
    HoldBeat,
    Message,
    NetSuitePush,
    NetSuiteRecord,
    Proposal,
    ReleaseRequest,
)
from db.people.tokens import Caller
from db.receivables import customer_page
from desk.pages.holds import life as hold_life
from desk.pages.holds.life import Life
from desk.pages.holds.timeline import Happened, told
from desk.pages.receivables.book import Book, moved, open_book
from services.holds import effects
from services.holds.answers import whose_move
from workflows.policies import OUTAGE, PATIENT

_UNDER_WAY = (BeatStatus.PENDING, BeatStatus.RUNNING, BeatStatus.RETRYING)
_APPROVED = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)


@dataclass(frozen=True)
class Step:
    """A beat; `row` is None before the approval."""

    beat: Beat
    row: HoldBeat | None

    @property
    def status(self) -> BeatStatus:
        return self.row.status if self.row else BeatStatus.PENDING

    @property
    def unfinished(self) -> bool:
        """Whether a person can try it again, stop it or leave it out."""
        return self.row is not None and self.row.status not in BEAT_OVER

    @property
    def next_try(self) -> str:
        """When it is tried again by itself; empty where it is not."""
        if self.status is not BeatStatus.RETRYING:
            return ""
        asks_netsuite = self.beat in (Beat.PUSH_NETSUITE, Beat.RESTORE_NETSUITE)
        longest = (OUTAGE if asks_netsuite else PATIENT).maximum_interval or timedelta()
        longer = ", unless NetSuite asks for a longer wait" if asks_netsuite else ""
        return f"at most {span(longest)} after the last try{longer}"


@dataclass(frozen=True)
class HoldPage:
    hold: Hold
    standing: CustomerStanding
    proposal: Proposal
    facts: Facts
    """As shown to the approver."""
    book: Book
    moved: list[tuple[str, str, str]]
    """Facts that differ now: name, proposed, now."""
    waiting_on: str
    claim: Claim | None
    first_approval: Approval | None
    takes_two: bool
    barred_by: str | None
    """Who asked for the hold, where the policy bars this caller from approving for that."""
    approved_already: bool
    """Whether this caller is one person with who approved first."""
    decision: Decision | None
    """Of the newest proposal."""
    undo_until: datetime | None
    effects: dict[Verdict, list[str]]
    """What each verdict would do, in sentences."""
    evidence: list[Said]
    """What people have said for it, the oldest first."""
    unsent_notice: Untold | None
    """The notice that has not reached the customer."""
    ground: ReasonClass
    """What the hold rests on."""
    asked_before: str
    """What became of the proposal of the same kind before this one; empty where there was none."""
    release_requests: Sequence[ReleaseRequest]
    """Who or what asked for the release that is the newest proposal, the first one first."""
    steps: list[Step]
    """What placing the hold does; empty before the approval."""
    release_steps: list[Step]
    """What its release does; empty before that is approved."""
    stays: Sequence[Block]
    """What keeps the customer on credit hold besides this service hold."""
    life: Life
    record: NetSuiteRecord | None
    pushes: Sequence[NetSuitePush]
    messages: Sequence[Message]
    timeline: list[Happened]
    now: datetime

    @property
    def is_open(self) -> bool:
        return self.proposal.status is ProposalStatus.OPEN

    @property
    def in_force(self) -> bool:
        """Whether it was approved and is not being released yet."""
        return self.hold.status in _APPROVED

    @property
    def can_be_released(self) -> bool:
        """Whether its release may be proposed: none is, and none is about to be carried out."""
        waits = (ProposalStatus.OPEN, ProposalStatus.APPROVED)
        return self.in_force and not (self.proposal.kind is ProposalKind.RELEASE and self.proposal.status in waits)

    @property
    def auto_applied(self) -> bool:
        """Whether the credit limit put the customer on credit hold, and no service hold has taken that over."""
        return any(block.source is BlockSource.AUTO_APPLY for block in self.stays)

    @property
    def live_steps(self) -> bool:
        """Whether somebody is there to carry out what a person asks of a beat."""
        return self.hold.status in OPEN_HOLD

    @property
    def poll_seconds(self) -> int | None:
        """How often the page asks what is new; None where nothing will be."""
        if self.hold.status not in OPEN_HOLD:
            return 15 if any(message.status in MESSAGE_MOVES for message in self.messages) else None
        if self.is_open:
            return 5
        told = self.decision is not None and self.decision.outcome is None
        under_way = self.hold.status is not HoldStatus.IN_FORCE or any(step.status in _UNDER_WAY for step in self.steps)
        return 2 if told or under_way else 15

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
    first = customer_page.first_approval(session, proposal.id, proposal.revision)
    act = Act(session, who.name, now)
    unsent = untold.untold(hold.status, messages.standing(session, [hold.id]).get(hold.id, []))
    return HoldPage(
        hold=hold,
        standing=customer_standings.one(session, hold.customer_id, now),
        proposal=proposal,
        facts=facts,
        book=book,
        moved=moved(facts, book.facts) if proposal.status is ProposalStatus.OPEN else [],
        waiting_on=untold.whose_move(whose_move(hold, proposal), unsent.status if unsent else None),
        claim=holds.live_claim(session, proposal.id, now),
        first_approval=first,
        takes_two=four_eyes.takes_two(proposal, book.policy),
        barred_by=four_eyes.barred_by(act, proposal, book.policy, is_admin=who.role is Role.ADMIN),
        approved_already=first is not None and four_eyes.is_one_person(first, act),
        decision=hold_page.decision_of(session, proposal.id),
        undo_until=holds.undo_until(session, proposal, now),
        effects=effects.of_deciding(session, hold, proposal, now),
        evidence=evidence.of(session, proposal),
        unsent_notice=unsent,
        ground=reason_class([trigger.kind for trigger in hold.triggers]),
        asked_before=_asked_before(session, proposal),
        release_requests=hold_page.release_requests(session, proposal.id),
        steps=_steps(PLACING, rows),
        release_steps=_steps(RELEASING, rows),
        stays=eligibility.causes_besides(session, hold, now),
        life=hold_life.read(session, hold, book.policy, now),
        record=record,
        pushes=customer_page.pushes(session, hold.id, book.customer.netsuite_id),
        messages=messages.of_hold(session, hold.id),
        timeline=told(audit.chain_of(session, hold.id)),
        now=now,
    )


def _steps(beats: Sequence[Beat], rows: dict[Beat, HoldBeat]) -> list[Step]:
    return [Step(beat, rows.get(beat)) for beat in beats] if rows.keys() & set(beats) else []


def _asked_before(session: Session, proposal: Proposal) -> str:
    if proposal.returns_id is not None:
        return "approved, and back for a second look: the case had weakened"
    before = hold_page.proposal_before(session, proposal)
    if before is None:
        return ""
    return "approved, and taken back" if before.status is ProposalStatus.APPROVED else before.status
