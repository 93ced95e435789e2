"""A hold as the workflow, the Web UI and people see it at one moment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from credit.eligibility import Block
from credit.facts import Facts
from credit.states import Beat, BeatStatus, HoldStatus, ProposalKind, ProposalStatus, ReleaseCause, Verdict
from credit.triggers import ReasonClass, Trigger, TriggerKind, reason_class
from credit.wording import counted, words


class PriorDecision(BaseModel):
    """What was decided about this customer before, as the next proposal shows it."""

    kind: ProposalKind
    verdict: Verdict
    reason: str
    decided_by: str
    decided_at: datetime


class PriorHold(BaseModel):
    """An earlier hold of the same customer that came into force and is over."""

    id: UUID
    proposed_at: datetime
    in_force_at: datetime
    ended_at: datetime
    status: HoldStatus
    reason: str
    """Why it was proposed."""
    end_cause: ReleaseCause | None
    """What asked for its release."""
    end_reason: str | None

    @property
    def days_held(self) -> int:
        """Whole days in force."""
        return (self.ended_at - self.in_force_at).days


class HoldView(BaseModel):
    """One hold and what is proposed about it."""

    hold_id: UUID
    customer_id: str
    customer_name: str
    status: HoldStatus
    reason: str
    triggers: list[TriggerKind]
    warnings: list[str]
    facts: Facts
    note: str
    proposal_id: UUID
    revision: int
    opened_at: datetime
    due_at: datetime
    beats: dict[Beat, BeatStatus]
    """Empty until the hold is approved."""
    next_look_at: datetime | None = None
    """When something about the hold becomes due before its proposal does: a reminder, an escalation."""
    escalated_at: datetime | None = None
    escalated_to: str | None = None
    """The group that what is proposed was escalated to."""
    proposal_kind: ProposalKind = ProposalKind.PLACE
    proposal_status: ProposalStatus = ProposalStatus.OPEN

    @property
    def reason_class(self) -> ReasonClass:
        """What the hold rests on."""
        return reason_class(self.triggers)

    @property
    def undecided(self) -> bool:
        """Whether something about the approved hold, such as its release, waits for an approver."""
        return self.proposal_kind is not ProposalKind.PLACE and self.proposal_status is ProposalStatus.OPEN


class OpenedHold(BaseModel):
    """The hold that is open now; None where no trigger was admitted, and why."""

    hold: HoldView | None
    turned_away: list[str] = []
    late: list[Trigger] = []
    """Triggers that came after the open hold was decided against: they are for the next proposal."""
    refused: int = 0
    """How many triggers nobody had asked for."""


_DECIDED = {ProposalKind.PLACE: "hold", ProposalKind.RELEASE: "release", ProposalKind.REPAIR: "NetSuite repair"}


def proposal_note(
    facts: Facts,
    kinds: list[TriggerKind],
    earlier: list[PriorDecision],
    returned_because: list[str],
    held: list[PriorHold],
    stays: Sequence[Block] = (),
) -> str:
    """Say what an approver should weigh. Prior holds are flagged (service-hold spec: "the proposal note flags it").

    `stays`, for a release: what else keeps the customer on credit hold.
    """
    lines = [f"Rests on {reason_class(kinds).label} ({', '.join(kind.label for kind in kinds)})."]
    if returned_because:
        lines.append("BACK FOR A SECOND LOOK, the case weakened since it was approved: " + "; ".join(returned_because))
    if stays:
        causes = "; ".join(f"{block.source.label}: {block.note}" for block in stays)
        lines.append(f"STAYS ON CREDIT HOLD after the release: {causes}")
    if facts.prior_holds:
        lines.append(f"PRIOR HOLDS: {facts.prior_holds}. Weigh the pattern.")
    lines += [_held_before(past) for past in held]
    lines += [
        f"Decided before: {_DECIDED[past.kind]} {past.verdict}d on {past.decided_at:%Y-%m-%d} by {past.decided_by}: "
        f"{past.reason}"
        for past in earlier
    ]
    return "\n".join(lines)


def _held_before(past: PriorHold) -> str:
    cause = f" ({past.end_cause.label}: {past.end_reason})" if past.end_cause else ""
    return (
        f"Held before: {counted(past.days_held, 'day')} from {past.in_force_at:%Y-%m-%d}, {words(past.status)}{cause}"
    )
