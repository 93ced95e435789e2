"""What was told of a customer's receivables, and who keeps them: events, aging, imports, exemptions."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from credit.audit_entries.entry import Entry, Explained, Moment


class Noted(Explained):
    """What happened to a customer, on the record of its hold: seen by a look at the hold, or told by an event."""

    event: str | None = None
    """The id of the event that told of it."""
    customer_id: str | None = None


InvoicePosted = Noted.of_action("invoice_posted", "posted an invoice")
PaymentReceived = Noted.of_action("payment_received", "told of a payment")
PaidInFull = Noted.of_action("paid_in_full", "noted that everything is paid")
PartPaid = Noted.of_action("part_paid", "noted a part payment")
CauseGone = Noted.of_action("cause_gone", "noted that the cause of the hold is gone")
PlanAgreed = Noted.of_action("plan_agreed", "noted a payment plan")
PlanKept = Noted.of_action("plan_kept", "noted that the payment plan was kept")
PlanEnded = Noted.of_action("plan_ended", "noted that the payment plan was called off")
InstalmentMissed = Noted.of_action("instalment_missed", "noted a missed instalment")
PromiseMade = Noted.of_action("promise_made", "noted a promise to pay")
PromiseKept = Noted.of_action("promise_kept", "noted that a promise to pay was kept")
PromiseBroken = Noted.of_action("promise_broken", "noted that a promise to pay was broken")
DisputeOpened = Noted.of_action("dispute_opened", "noted a dispute")
DisputeClosed = Noted.of_action("dispute_closed", "noted that a dispute was closed")
HealthPredicted = Noted.of_action("health_predicted", "predicted the customer’s health")


class ArAgingStarted(Entry):
    action = "ar_aging_started"
    what = "started an AR aging scan"
    said = "started an AR aging scan as of {as_of}"
    as_of: date
    workflow_id: str


ArAgingPaused = Explained.of_action("ar_aging_paused", "paused the AR aging schedule")
ArAgingResumed = Explained.of_action("ar_aging_resumed", "resumed the AR aging schedule")


class ArImported(Entry):
    """With what was counted, by its name."""

    model_config = ConfigDict(extra="allow")

    action = "ar_imported"
    what = "imported receivables"
    said = "imported receivables from {file_name}"
    import_id: UUID
    file_name: str
    sha256: str
    as_of: date | None
    full: bool
    rates: dict[str, str]


class ExemptionState(BaseModel):
    """One exemption from automatic holds."""

    owner: str
    reason: str
    until: date
    ended_at: Moment | None


class _Exempted(Explained):
    customer_id: str
    exemption_id: UUID
    before: ExemptionState | None
    after: ExemptionState


class ExemptionGranted(_Exempted):
    action = "exemption_granted"
    what = "exempted a customer from automatic holds"
    kept_by: UUID | None = None
    """The service hold in force that blocks the customer all the same."""

    def sentence(self) -> str:
        kept = f"; service hold {self.kept_by} stays until its release" if self.kept_by else ""
        return f"exempted customer {self.customer_id} from automatic holds{kept}"


ExemptionEnded = _Exempted.of_action(
    "exemption_ended", "ended a customer’s exemption", "ended the exemption of customer {customer_id}"
)
