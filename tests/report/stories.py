"""Lives of holds as plain values, and the rows they leave: what the report is counted from, twice."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy.orm import Session

from credit.states import Beat, BeatStatus, HoldStatus, ProposalKind, ProposalStatus, ReleaseCause, Verdict
from credit.triggers import TriggerKind
from db.models import (
    AutoDecision,
    Claim,
    Customer,
    Decision,
    Hold,
    HoldBeat,
    HoldTrigger,
    Payment,
    Proposal,
    ReleaseRequest,
)

APPROVED, DECLINED, EXPIRED = ProposalStatus.APPROVED, ProposalStatus.DECLINED, ProposalStatus.EXPIRED
WITHDRAWN, OPEN = ProposalStatus.WITHDRAWN, ProposalStatus.OPEN


@dataclass
class Asked:
    """One proposal: when, how it ended, and what became of its decision."""

    kind: ProposalKind
    opened: datetime
    status: ProposalStatus
    settled: datetime | None
    outcome: str | None
    total_open: Decimal
    days_overdue: int = 200
    cause: ReleaseCause | None = None


@dataclass
class Story:
    number: int
    trigger: TriggerKind
    status: HoldStatus
    asked: list[Asked]
    in_force: datetime | None = None
    closed: datetime | None = None
    payments: list[tuple[datetime, Decimal]] = field(default_factory=list)


def tell(seed: int, now: datetime, count: int = 60) -> list[Story]:
    """Make lives of every kind over the 200 days before `now`."""
    luck = random.Random(seed)  # noqa: S311 (not a secret)
    return [_life(luck, number, now) for number in range(count)]


def _life(luck: random.Random, number: int, now: datetime) -> Story:
    def later(at: datetime, days: float) -> datetime:
        return at + timedelta(seconds=luck.randint(1, int(days * 86400)))

    def money() -> Decimal:
        return Decimal(luck.randint(0, 9_000_000)) / 100

    at = now - timedelta(days=luck.randint(1, 200), seconds=luck.randint(0, 86399))
    trigger = luck.choice([TriggerKind.AR_AGING, TriggerKind.MANUAL])
    asked = []
    opened = at
    for outcome in luck.choice([[], [], ["undone"], ["returned"], ["undone", "returned"]]):
        settled = later(opened, 1)
        asked.append(Asked(ProposalKind.PLACE, opened, APPROVED, settled, outcome, money()))
        opened = settled
    ending = luck.choices([APPROVED, DECLINED, EXPIRED, WITHDRAWN, OPEN], [8, 2, 1, 1, 1])[0]
    settled = None if ending is OPEN else later(opened, 9)
    decided = {APPROVED: "approved", DECLINED: "declined"}.get(ending)
    asked.append(Asked(ProposalKind.PLACE, opened, ending, settled, decided, money()))
    if settled is None:
        return Story(number, trigger, HoldStatus.PROPOSED, asked)
    if ending is not APPROVED:
        return Story(number, trigger, HoldStatus(ending), asked, closed=settled)
    story = Story(number, trigger, HoldStatus.IN_FORCE, asked, in_force=later(settled, 0.1))
    story.payments = [(later(at, 60), money() + 1) for _ in range(luck.randint(0, 3))]
    assert story.in_force
    if luck.random() < 0.3:  # a release that was declined
        opened = later(story.in_force, 5)
        story.asked.append(Asked(ProposalKind.RELEASE, opened, DECLINED, later(opened, 2), "declined", money()))
    if luck.random() < 0.75:
        opened = later(story.asked[-1].settled or story.in_force, 40)
        settled = later(opened, 3)
        cause = luck.choice(list(ReleaseCause))
        days = luck.choice([0, 90, 91, 300])
        story.asked.append(Asked(ProposalKind.RELEASE, opened, APPROVED, settled, "approved", money(), days, cause))
        story.status, story.closed = HoldStatus.RELEASED, later(settled, 0.2)
    return story


def write(session: Session, stories: list[Story]) -> None:
    """Write the rows that these lives would have left."""
    for story in stories:
        _write(session, story)
    session.flush()


def _write(session: Session, story: Story) -> None:
    customer = f"S-{story.number:04}"
    session.add(Customer(id=customer, name=customer, netsuite_id=customer))
    hold = Hold(
        id=uuid4(), customer_id=customer, status=story.status, reason="r", warnings=[], run_id="r",
        proposed_at=story.asked[0].opened, in_force_at=story.in_force, closed_at=story.closed,
    )  # fmt: skip
    session.flush()
    session.add(hold)
    session.flush()
    for opened in (True, False):  # the second one is evidence
        session.add(
            HoldTrigger(
                id=f"{customer}/{opened}",
                hold_id=hold.id,
                customer_id=customer,
                reason="r",
                actor="a",
                opened=opened,
                kind=story.trigger if opened else TriggerKind.MANUAL,
                at=hold.proposed_at,
            )
        )
    for revision, asked in enumerate(story.asked, 1):
        _write_asked(session, hold, revision, asked)
    if story.in_force:
        done = {"status": BeatStatus.DONE, "done_at": story.in_force, "started_at": story.in_force}
        session.add(HoldBeat(hold_id=hold.id, beat=Beat.FLAG_CUSTOMER, **done))
    for number, (at, amount) in enumerate(story.payments):
        session.add(
            Payment(
                id=f"{customer}/{number}",
                customer_id=customer,
                amount=amount,
                amount_unapplied=0,
                currency="USD",
                paid_on=at.date(),
                received_at=at,
                applied=[],
            )
        )


def _write_asked(session: Session, hold: Hold, revision: int, asked: Asked) -> None:
    shown = {"as_of": "2026-01-01", "total_open": "1.00", "ar_balance": "1.00", "days_overdue": 1}
    proposal = Proposal(
        hold_id=hold.id, kind=asked.kind, status=asked.status, revision=revision, facts=shown, warnings=[], note="",
        policy_version=1, opened_at=asked.opened, due_at=asked.opened + timedelta(days=30), settled_at=asked.settled,
    )  # fmt: skip
    session.add(proposal)
    session.flush()
    if asked.cause is not None:
        session.add(
            ReleaseRequest(
                id=str(uuid4()),
                hold_id=hold.id,
                proposal_id=proposal.id,
                cause=asked.cause,
                reason="r",
                actor="a",
                at=asked.opened,
            )
        )
    if asked.outcome is None or asked.settled is None:
        return
    claim = Claim(
        proposal_id=proposal.id, holder="a", claimed_at=asked.opened, expires_at=asked.opened + timedelta(days=1),
        released_at=asked.settled,
    )  # fmt: skip
    session.add(claim)
    session.flush()
    verdict = Verdict.DECLINE if asked.outcome == "declined" else Verdict.APPROVE
    decision = Decision(
        proposal_id=proposal.id, hold_id=hold.id, claim_id=claim.id, revision=revision, verdict=verdict, reason="r",
        actor="a", decided_at=asked.settled, effective_at=asked.settled, applied_at=asked.settled,
        outcome=asked.outcome,
    )  # fmt: skip
    session.add(decision)
    session.flush()
    if asked.outcome in ("approved", "declined"):
        facts = shown | {"total_open": str(asked.total_open), "days_overdue": asked.days_overdue}
        session.add(
            AutoDecision(
                workflow_type="service_hold_trigger",
                customer_id=hold.customer_id,
                hold_id=hold.id,
                decision_id=decision.id,
                verdict=verdict,
                reason="r",
                decided_by="a",
                decided_at=asked.settled,
                facts=facts,
                policy_version=1,
            )
        )
