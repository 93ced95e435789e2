"""A hold as the workflow, the Web UI and people see it at one moment."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from credit.facts import Facts
from credit.states import Beat, BeatStatus, HoldStatus, Verdict
from credit.triggers import TriggerKind


class PriorDecision(BaseModel):
    """What was decided about this customer before, as the next proposal shows it."""

    verdict: Verdict
    reason: str
    decided_by: str
    decided_at: datetime


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


def proposal_note(facts: Facts, earlier: list[PriorDecision], returned_because: list[str]) -> str:
    """Say what an approver should weigh. Prior holds are flagged (service-hold spec: "the proposal note flags it")."""
    lines = []
    if returned_because:
        lines.append("BACK FOR A SECOND LOOK, the case weakened since it was approved: " + "; ".join(returned_because))
    if facts.prior_holds:
        lines.append(f"PRIOR HOLDS: {facts.prior_holds}. Weigh the pattern.")
    lines += [
        f"Decided before: {past.verdict}d on {past.decided_at:%Y-%m-%d} by {past.decided_by}: {past.reason}"
        for past in earlier
    ]
    return "\n".join(lines)
