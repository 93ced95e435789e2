"""A hold's life: what was proposed and decided, its beats, its dates, and what happened while it was in force."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from credit.audit_entries import receivables
from credit.audit_entries.entry import ByPerson, Entry, Explained, Moment
from credit.audit_entries.receivables import Noted
from credit.outcomes import ExceptionScope, ScheduledDate
from credit.states import Beat, BeatStatus, HoldStatus, ProposalKind, ProposalStatus, ReleaseCause
from credit.triggers import TriggerKind

# --- proposed ----------------------------------------------------------------------------------------------------


class _Triggered(Explained):
    trigger: TriggerKind


class HoldProposed(_Triggered):
    action = "hold_proposed"
    what = "proposed this hold"
    customer_id: str


EvidenceAdded = _Triggered.of_action("evidence_added", "added evidence")


class Revision(BaseModel):
    """One revision of a proposal, with the facts that it showed."""

    revision: int
    facts: dict[str, Any]


class ProposalRevised(Explained):
    action = "proposal_revised"
    what = "revised the proposal"
    said = "made revision {after.revision} of the proposal"
    before: Revision
    after: Revision


class _Waiting(Explained):
    proposal_id: UUID
    revision: int


ApproversReminded = _Waiting.of_action("approvers_reminded", "reminded the approvers")
ProposalEscalated = _Waiting.of_action("proposal_escalated", "escalated it: nobody had decided in time")


class Undecided(Entry):
    """The end of a proposal that nobody decided."""

    why: str = ""
    before: HoldStatus | None = None
    after: HoldStatus | None = None


HoldExpired = Undecided.of_action("hold_expired", "let it expire: nobody decided in time")
HoldWithdrawn = Undecided.of_action("hold_withdrawn", "withdrew it")
ReleaseExpired = Undecided.of_action(
    "release_expired", "let the proposed release expire: nobody decided in time; the hold stays"
)
ReleaseWithdrawn = Undecided.of_action("release_withdrawn", "withdrew the proposed release")
RepairExpired = Undecided.of_action("repair_expired", "let the proposed repair expire: nobody decided in time")
RepairWithdrawn = Undecided.of_action("repair_withdrawn", "withdrew the proposed repair")


EXPIRED: dict[ProposalKind, type[Undecided]] = {
    ProposalKind.PLACE: HoldExpired,
    ProposalKind.RELEASE: ReleaseExpired,
    ProposalKind.REPAIR: RepairExpired,
}
WITHDRAWN: dict[ProposalKind, type[Undecided]] = {
    ProposalKind.PLACE: HoldWithdrawn,
    ProposalKind.RELEASE: ReleaseWithdrawn,
    ProposalKind.REPAIR: RepairWithdrawn,
}

# --- decided -----------------------------------------------------------------------------------------------------


class ProposalClaimed(Entry):
    action = "proposal_claimed"
    what = "claimed the proposal to decide it"
    said = "claimed revision {revision} to decide it"
    revision: int
    until: Moment


class ProposalApprovedFirst(ByPerson):
    action = "proposal_approved_first"
    what = "approved it as the first of two people"
    said = "approved revision {revision} as the first of two people"
    revision: int


class Decided(ByPerson):
    """A decision about a proposal."""

    decision_id: UUID
    revision: int
    before: ProposalStatus | None = None
    """With `after`, where a person decided; the policy decides in one step."""
    after: ProposalStatus | None = None
    keep_block: bool = True


ProposalApproved = Decided.of_action("proposal_approved", "approved the proposal", "approved revision {revision}")


class ProposalDeclined(Decided):
    action = "proposal_declined"
    what = "declined the proposal"

    def sentence(self) -> str:
        return f"declined revision {self.revision}{'' if self.keep_block else ', and lifted its block'}"


class ApprovalUndone(ByPerson):
    action = "approval_undone"
    what = "took the approval back"
    decision_id: UUID
    revision: int
    before: ProposalStatus
    after: ProposalStatus


class CaseWeakened(Explained):
    action = "case_weakened"
    what = "brought it back for a second look: the case had weakened"
    before: dict[str, Any]
    """The facts that were approved."""
    after: dict[str, Any]


# --- put in force, and released ----------------------------------------------------------------------------------


class _Flagging(Entry):
    """The customer's status before and after."""

    before: str
    after: str


CustomerFlagged = _Flagging.of_action(
    "customer_flagged", "flagged the customer", "flagged the customer: {before} → {after}"
)
CustomerUnflagged = _Flagging.of_action(
    "customer_unflagged", "took the customer off hold", "took the customer off hold: {before} → {after}"
)


class HoldInForce(Entry):
    action = "hold_in_force"
    what = "put the hold in force"
    before: HoldStatus
    after: HoldStatus


class _ReleaseAsked(Explained):
    cause: ReleaseCause


ReleaseRequested = _ReleaseAsked.of_action("release_requested", "asked for its release")
ReleaseRefused = _ReleaseAsked.of_action("release_refused", "asked for its release in vain")


class HoldReleased(Entry):
    action = "hold_released"
    what = "released the customer"
    held_seconds: int


# --- beats -------------------------------------------------------------------------------------------------------


class _AboutBeat(Entry):
    beat: Beat


class BeatFailed(_AboutBeat):
    action = "beat_failed"
    what = "could not finish a beat"
    said = "could not finish {beat.doing}"
    error: str
    status: BeatStatus


class BeatRetried(Explained):
    action = "beat_retried"
    what = "asked to try again"
    beats: list[Beat]

    def sentence(self) -> str:
        return f"asked to try again: {', '.join(beat.doing for beat in self.beats)}"


class BeatEnded(_AboutBeat, Explained):
    """By a person, who says why."""


BeatSkipped = BeatEnded.of_action("beat_skipped", "left out a beat", "left out {beat.doing}")
BeatCancelled = BeatEnded.of_action("beat_cancelled", "stopped a beat", "stopped {beat.doing}")


# --- set by people for a hold in force ---------------------------------------------------------------------------


class HoldDatesSet(ByPerson):
    action = "hold_dates_set"
    what = "set the hold’s dates"
    before: Mapping[ScheduledDate, date | None]
    after: Mapping[ScheduledDate, date | None]

    def sentence(self) -> str:
        days = (f"the {name.replace('_', ' ')} to {day or 'no day'}" for name, day in self.after.items())
        return f"set {', '.join(days)}"


class Excepted(BaseModel):
    """What an exception lets through, and up to which day."""

    scope: ExceptionScope
    reference: str
    until: date


class ExceptionGranted(ByPerson):
    action = "exception_granted"
    what = "let one through in spite of the hold"
    exception_id: UUID
    after: Excepted


class ExceptionWithdrawn(ByPerson):
    action = "exception_withdrawn"
    what = "ended an exception"
    exception_id: UUID
    before: Excepted


class Overridden(ByPerson):
    action = "overridden"
    what = "lifted the hold at once"
    decision_id: UUID


EndDateReached = Noted.of_action("end_date_reached", "noted that the hold’s last day has come")
ReviewDue = Noted.of_action("review_due", "noted that the hold is to be reviewed")
ExceptionEnded = Noted.of_action("exception_ended", "noted that an exception is over")


class NotificationGivenUp(Explained):
    action = "notification_given_up"
    what = "gave up telling somebody of it"
    said = "gave up telling {recipient} of it"
    notification_id: UUID
    event: str
    recipient: str


OUTCOMES: dict[str, type[Noted]] = {
    kind.action: kind
    for kind in (
        receivables.PaidInFull,
        receivables.PartPaid,
        receivables.CauseGone,
        receivables.PlanAgreed,
        receivables.PlanKept,
        receivables.InstalmentMissed,
        receivables.PromiseMade,
        receivables.PromiseKept,
        receivables.PromiseBroken,
        receivables.DisputeOpened,
        receivables.DisputeClosed,
        EndDateReached,
        ReviewDue,
        ExceptionEnded,
    )
}
"""What a look at a hold can note, by its `Outcome`."""
