"""What each event writes, and what the customer's hold is told of it. All within the transaction that takes it."""

from credit import disputes as dispute_rules
from credit import health
from credit.audit_entries import receivables as entries
from credit.disputes import Pattern
from credit.events import ActionKind, EventOutcome
from credit.states import ReleaseCause
from credit.triggers import TriggerKind
from db.errors import OutOfOrderError
from db.holds import actions
from db.models import InvoiceDispute
from db.receivables import disputes, events
from services.receivables import money
from services.receivables.payloads import (
    DisputeClosed,
    DisputeOpened,
    Event,
    HealthPrediction,
    InstalmentMissed,
    InvoicePosted,
    PaymentReceived,
    PlanAgreed,
    PlanEnded,
    Promise,
)
from services.receivables.taking import Taking, known_invoice


def take(it: Taking, payload: Event) -> None:
    """Write what the event says, and what its hold is to be told.

    Raises:
        BadEventError: a field makes no sense for what we know.
        OutOfOrderError: it is about something that we have not heard of yet.
    """
    match payload:
        case HealthPrediction():
            _predicted(it, payload)
        case DisputeOpened():
            _dispute_opened(it, payload)
        case DisputeClosed():
            _dispute_closed(it, payload)
        case InvoicePosted():
            money.invoiced(it, payload)
        case PaymentReceived():
            money.paid(it, payload)
        case PlanAgreed():
            money.plan_agreed(it, payload)
        case InstalmentMissed():
            money.instalment_missed(it, payload)
        case PlanEnded():
            money.plan_ended(it, payload)
        case Promise():
            money.promised(it, payload)


def _predicted(it: Taking, told: HealthPrediction) -> None:
    before = disputes.ever(it.session, told.customer_id)
    proposed = health.proposes_hold(told.risk, before)
    events.record_risk(
        it.session,
        it.event,
        risk=told.risk,
        score=told.score,
        model=told.model,
        reason=told.reason,
        predicted_at=told.predicted_at,
        disputes_before=before,
        proposed=proposed,
    )
    it.note(entries.HealthPredicted, f"{told.model}: {health.why(told.risk, before)}")
    if proposed:
        it.trigger(TriggerKind.CUSTOMER_HEALTH, f"{it.why}. {told.reason}".strip())


def _dispute_opened(it: Taking, told: DisputeOpened) -> None:
    known_invoice(it, told.invoice_id)
    if disputes.open_of(it.session, told.invoice_id) is not None:
        it.outcome = EventOutcome.KNOWN_ALREADY
        it.why = f"invoice {told.invoice_id} has an open dispute already"
        return
    dispute = disputes.open_dispute(
        it.session,
        customer_id=told.customer_id,
        invoice_id=told.invoice_id,
        reason=told.reason,
        source=it.event.source,
        at=told.opened_at,
    )
    it.note(entries.DisputeOpened, f"invoice {told.invoice_id} is disputed: {told.reason or 'no reason given'}")
    it.facts_changed()
    _weigh_pattern(it, dispute)
    if it.hold is not None and dispute_rules.speaks_for_release(it.hold.status):
        reason = it.why
        _stage(it, ActionKind.AR_HOLD_REVIEW, dispute, f"lift the hold? {reason}")
        it.request_release(ReleaseCause.DISPUTE, reason)


def _weigh_pattern(it: Taking, dispute: InvoiceDispute) -> None:
    """Recommend a hold where disputes repeat. What was reviewed already gets evidence, and only where it is open."""
    customer, since = dispute.customer_id, dispute_rules.window_start(it.now, it.policy)
    recent = disputes.opened_since(it.session, customer, since)
    reviewed = actions.staged_since(it.session, ActionKind.AR_REVIEW, customer, since)
    found = dispute_rules.pattern(recent, review_staged_in_window=reviewed, policy=it.policy)
    reason = f"{recent} disputes within {it.policy.repeated_disputes_window.days} days; {it.why}"
    if found is Pattern.REPEATED:
        _stage(it, ActionKind.AR_REVIEW, dispute, f"hold? {reason}")
    if found is Pattern.REPEATED or (found is Pattern.REVIEWED and it.hold is not None):
        it.trigger(TriggerKind.REPEATED_DISPUTES, reason)


def _dispute_closed(it: Taking, told: DisputeClosed) -> None:
    known_invoice(it, told.invoice_id)
    dispute = disputes.open_of(it.session, told.invoice_id)
    if dispute is None:
        raise OutOfOrderError(f"invoice {told.invoice_id} has no open dispute: tell of its opening first, then again")
    disputes.close(it.session, dispute, told.resolution, told.closed_at)
    it.note(
        entries.DisputeClosed, f"the dispute of invoice {told.invoice_id} is closed: {told.resolution}. {told.reason}"
    )
    it.facts_changed()


def _stage(it: Taking, kind: ActionKind, dispute: InvoiceDispute, detail: str) -> None:
    actions.stage(
        it.session,
        kind,
        customer_id=dispute.customer_id,
        hold_id=it.hold.id if it.hold else None,
        dispute_id=dispute.id,
        detail=detail,
        at=it.now,
    )
