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
from credit.states import Beat, BeatStatus, EntityStatus, HoldStatus, ProposalKind, ProposalStatus, ReleaseCause
from credit.triggers import TriggerKind

_BEATS = {
    Beat.FLAG_CUSTOMER: "flagging the customer",
    Beat.NOTIFY_SALES_REP: "drafting the sales rep’s message",
    Beat.DRAFT_CUSTOMER_NOTICE: "drafting the customer’s notice",
    Beat.PUSH_NETSUITE: "setting NetSuite’s credit hold",
    Beat.UNFLAG_CUSTOMER: "taking the customer off hold",
    Beat.TELL_SALES_REP: "drafting the sales rep’s message about the release",
    Beat.DRAFT_RELEASE_NOTICE: "drafting the customer’s release notice",
    Beat.RESTORE_NETSUITE: "restoring what NetSuite said before",
}

# --- proposed ----------------------------------------------------------------------------------------------------


class HoldProposed(Explained):
    action = "hold_proposed"
    what = "proposed this hold"
    trigger: TriggerKind
    customer_id: str


class EvidenceAdded(Explained):
    action = "evidence_added"
    what = "added evidence"
    trigger: TriggerKind


class Revision(BaseModel):
    """One revision of a proposal, with the facts that it showed."""

    revision: int
    facts: dict[str, Any]


class ProposalRevised(Explained):
    action = "proposal_revised"
    what = "revised the proposal"
    before: Revision
    after: Revision

    def sentence(self) -> str:
        return f"made revision {self.after.revision} of the proposal"


class _Waiting(Explained):
    proposal_id: UUID
    revision: int


class ApproversReminded(_Waiting):
    action = "approvers_reminded"
    what = "reminded the approvers"


class ProposalEscalated(_Waiting):
    action = "proposal_escalated"
    what = "escalated it: nobody had decided in time"


class Undecided(Entry):
    """The end of a proposal that nobody decided."""

    why: str = ""
    before: HoldStatus | None = None
    after: HoldStatus | None = None


class HoldExpired(Undecided):
    action = "hold_expired"
    what = "let it expire: nobody decided in time"


class HoldWithdrawn(Undecided):
    action = "hold_withdrawn"
    what = "withdrew it"


class ReleaseExpired(Undecided):
    action = "release_expired"
    what = "let the proposed release expire: nobody decided in time; the hold stays"


class ReleaseWithdrawn(Undecided):
    action = "release_withdrawn"
    what = "withdrew the proposed release"


class RepairExpired(Undecided):
    action = "repair_expired"
    what = "let the proposed repair expire: nobody decided in time"


class RepairWithdrawn(Undecided):
    action = "repair_withdrawn"
    what = "withdrew the proposed repair"


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
    revision: int
    until: Moment

    def sentence(self) -> str:
        return f"claimed revision {self.revision} to decide it"


class ProposalApprovedFirst(ByPerson):
    action = "proposal_approved_first"
    what = "approved it as the first of two people"
    revision: int

    def sentence(self) -> str:
        return f"approved revision {self.revision} as the first of two people"


class Decided(ByPerson):
    """A decision about a proposal."""

    decision_id: UUID
    revision: int
    before: ProposalStatus | None = None
    """With `after`, where a person decided; the policy decides in one step."""
    after: ProposalStatus | None = None
    keep_block: bool = True


class ProposalApproved(Decided):
    action = "proposal_approved"
    what = "approved the proposal"

    def sentence(self) -> str:
        return f"approved revision {self.revision}"


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


class CustomerFlagged(Entry):
    action = "customer_flagged"
    what = "flagged the customer"
    before: str
    after: EntityStatus

    def sentence(self) -> str:
        return f"flagged the customer: {self.before} → {self.after}"


class CustomerUnflagged(Entry):
    action = "customer_unflagged"
    what = "took the customer off hold"
    before: str
    after: str

    def sentence(self) -> str:
        return f"took the customer off hold: {self.before} → {self.after}"


class HoldInForce(Entry):
    action = "hold_in_force"
    what = "put the hold in force"
    before: HoldStatus
    after: HoldStatus


class ReleaseRequested(Explained):
    action = "release_requested"
    what = "asked for its release"
    cause: ReleaseCause


class ReleaseRefused(Explained):
    action = "release_refused"
    what = "asked for its release in vain"
    cause: ReleaseCause


class HoldReleased(Entry):
    action = "hold_released"
    what = "released the customer"
    held_seconds: int


# --- beats -------------------------------------------------------------------------------------------------------


class BeatFailed(Entry):
    action = "beat_failed"
    what = "could not finish a beat"
    beat: Beat
    error: str
    status: BeatStatus

    def sentence(self) -> str:
        return f"could not finish {_BEATS[self.beat]}"


class BeatRetried(Explained):
    action = "beat_retried"
    what = "asked to try again"
    beats: list[Beat]

    def sentence(self) -> str:
        return f"asked to try again: {', '.join(_BEATS[beat] for beat in self.beats)}"


class BeatSkipped(Explained):
    action = "beat_skipped"
    what = "left out a beat"
    beat: Beat

    def sentence(self) -> str:
        return f"left out {_BEATS[self.beat]}"


class BeatCancelled(Explained):
    action = "beat_cancelled"
    what = "stopped a beat"
    beat: Beat

    def sentence(self) -> str:
        return f"stopped {_BEATS[self.beat]}"


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


class EndDateReached(Noted):
    action = "end_date_reached"
    what = "noted that the hold’s last day has come"


class ReviewDue(Noted):
    action = "review_due"
    what = "noted that the hold is to be reviewed"


class ExceptionEnded(Noted):
    action = "exception_ended"
    what = "noted that an exception is over"


class NotificationGivenUp(Explained):
    action = "notification_given_up"
    what = "gave up telling somebody of it"
    notification_id: UUID
    event: str
    recipient: str

    def sentence(self) -> str:
        return f"gave up telling {self.recipient} of it"


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
