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


class InvoicePosted(Noted):
    action = "invoice_posted"
    what = "posted an invoice"


class PaymentReceived(Noted):
    action = "payment_received"
    what = "told of a payment"


class PaidInFull(Noted):
    action = "paid_in_full"
    what = "noted that everything is paid"


class PartPaid(Noted):
    action = "part_paid"
    what = "noted a part payment"


class CauseGone(Noted):
    action = "cause_gone"
    what = "noted that the cause of the hold is gone"


class PlanAgreed(Noted):
    action = "plan_agreed"
    what = "noted a payment plan"


class PlanKept(Noted):
    action = "plan_kept"
    what = "noted that the payment plan was kept"


class PlanEnded(Noted):
    action = "plan_ended"
    what = "noted that the payment plan was called off"


class InstalmentMissed(Noted):
    action = "instalment_missed"
    what = "noted a missed instalment"


class PromiseMade(Noted):
    action = "promise_made"
    what = "noted a promise to pay"


class PromiseKept(Noted):
    action = "promise_kept"
    what = "noted that a promise to pay was kept"


class PromiseBroken(Noted):
    action = "promise_broken"
    what = "noted that a promise to pay was broken"


class DisputeOpened(Noted):
    action = "dispute_opened"
    what = "noted a dispute"


class DisputeClosed(Noted):
    action = "dispute_closed"
    what = "noted that a dispute was closed"


class HealthPredicted(Noted):
    action = "health_predicted"
    what = "predicted the customer’s health"


class ArAgingStarted(Entry):
    action = "ar_aging_started"
    what = "started an AR aging scan"
    as_of: date
    workflow_id: str

    def sentence(self) -> str:
        return f"started an AR aging scan as of {self.as_of}"


class ArAgingPaused(Explained):
    action = "ar_aging_paused"
    what = "paused the AR aging schedule"


class ArAgingResumed(Explained):
    action = "ar_aging_resumed"
    what = "resumed the AR aging schedule"


class ArImported(Entry):
    """With what was counted, by its name."""

    model_config = ConfigDict(extra="allow")

    action = "ar_imported"
    what = "imported receivables"
    import_id: UUID
    file_name: str
    sha256: str
    as_of: date | None
    full: bool
    rates: dict[str, str]

    def sentence(self) -> str:
        return f"imported receivables from {self.file_name}"


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

    def sentence(self) -> str:
        return f"exempted customer {self.customer_id} from automatic holds"


class ExemptionEnded(_Exempted):
    action = "exemption_ended"
    what = "ended a customer’s exemption"

    def sentence(self) -> str:
        return f"ended the exemption of customer {self.customer_id}"
