"""What each event writes, and what the customer's hold is told of it. All within the transaction that takes it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel
from sqlalchemy.orm import Session

from credit import commitments, health
from credit import disputes as dispute_rules
from credit.disputes import Pattern
from credit.events import ActionKind, EventOutcome, PlanStatus, PromiseOutcome
from credit.policy import Policy
from credit.states import ReleaseCause
from credit.triggers import Trigger, TriggerKind
from db.errors import BadEventError, OutOfOrderError
from db.models import Hold, InboundEvent, InvoiceDispute, Payment
from db.models.base import JsonObject
from db.repositories import actions, audit, disputes, events, payment_plans, payments, promises
from starter.event_payloads import (
    DisputeClosed,
    DisputeOpened,
    Event,
    HealthPrediction,
    InstalmentMissed,
    PaymentReceived,
    PlanAgreed,
    PlanEnded,
    Promise,
)
from workflows.contract import FactsChangedSignal, ReleaseSignal


@dataclass
class Taking:
    """One event being taken: what it meets, and what comes of it."""

    session: Session
    event: InboundEvent
    hold: Hold | None
    """The customer's open hold, locked."""
    policy: Policy
    now: datetime
    outcome: EventOutcome = EventOutcome.RECORDED
    why: str = ""
    tell: list[JsonObject] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of everything this event asks of a hold: the same however often it is told."""
        return f"event/{uuid5(NAMESPACE_URL, f'{self.event.source} {self.event.id}')}"

    def note(self, action: str, why: str) -> None:
        """Say what happened, on the record of the hold where one is open."""
        self.why = why
        detail = {"why": why, "event": self.event.id, "customer_id": self.event.customer_id}
        chain = self.hold.id if self.hold else audit.SYSTEM
        audit.append(self.session, chain=chain, actor=self.event.source, action=action, at=self.now, detail=detail)

    def facts_changed(self) -> None:
        """Have an open hold look at its facts."""
        if self.hold is not None:
            self._tell(
                "facts_changed",
                FactsChangedSignal(
                    id=self.id, what=self.event.kind, why=self.why, actor=self.event.source, at=self.now
                ),
            )

    def trigger(self, kind: TriggerKind, reason: str) -> None:
        """Propose a hold, or add evidence to the one that is open."""
        self.outcome = EventOutcome.HOLD_RECOMMENDED
        self._tell("trigger", Trigger(id=self.id, kind=kind, reason=reason, actor=self.event.source, at=self.now))

    def request_release(self, cause: ReleaseCause, reason: str) -> None:
        """Propose to release the hold that was approved."""
        self.outcome = EventOutcome.RELEASE_REQUESTED
        signal = ReleaseSignal(id=self.id, cause=cause, reason=reason, actor=self.event.source, at=self.now)
        self._tell("request_release", signal)

    def _tell(self, signal: str, payload: BaseModel) -> None:
        self.tell.append({"signal": signal, "payload": payload.model_dump(mode="json")})


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
        case PaymentReceived():
            _paid(it, payload)
        case PlanAgreed():
            _plan_agreed(it, payload)
        case InstalmentMissed():
            _instalment_missed(it, payload)
        case PlanEnded():
            _plan_ended(it, payload)
        case Promise():
            _promised(it, payload)


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
    it.note("health_predicted", f"{told.model}: {health.why(told.risk, before)}")
    if proposed:
        it.trigger(TriggerKind.CUSTOMER_HEALTH, f"{it.why}. {told.reason}".strip())


def _dispute_opened(it: Taking, told: DisputeOpened) -> None:
    _known_invoice(it, told.invoice_id)
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
    it.note("dispute_opened", f"invoice {told.invoice_id} is disputed: {told.reason or 'no reason given'}")
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
    _known_invoice(it, told.invoice_id)
    dispute = disputes.open_of(it.session, told.invoice_id)
    if dispute is None:
        raise OutOfOrderError(f"invoice {told.invoice_id} has no open dispute: tell of its opening first, then again")
    disputes.close(it.session, dispute, told.resolution, told.closed_at)
    it.note("dispute_closed", f"the dispute of invoice {told.invoice_id} is closed: {told.resolution}. {told.reason}")
    it.facts_changed()


def _paid(it: Taking, told: PaymentReceived) -> None:
    _ledger_currency(it, told.currency)
    if told.invoice_id is not None:
        _known_invoice(it, told.invoice_id)
    posted = payments.find(it.session, told.payment_id)
    if posted is not None:
        _same_payment(posted, told)
        it.outcome = EventOutcome.KNOWN_ALREADY
        it.why = f"payment {told.payment_id} was posted already"
        return
    payment = payments.post(
        it.session,
        payment_id=told.payment_id,
        customer_id=told.customer_id,
        invoice_id=told.invoice_id,
        amount=told.amount,
        currency=told.currency,
        paid_on=told.paid_on,
        now=it.now,
    )
    posts = [f"{one['amount']} to {one['invoice_id']}" for one in payment.applied]
    posts += [f"{payment.amount_unapplied:.2f} as a credit"] if payment.amount_unapplied else []
    kept = _keep_word(it, told)
    it.note("payment_received", f"{told.amount:,.2f} {told.currency} paid: {'; '.join([*posts, *kept])}")
    it.facts_changed()


def _same_payment(posted: Payment, told: PaymentReceived) -> None:
    same = (posted.customer_id, posted.invoice_id, posted.amount, posted.currency, posted.paid_on)
    if same != (told.customer_id, told.invoice_id, told.amount, told.currency, told.paid_on):
        raise BadEventError("payment_id", f"payment {told.payment_id} was posted already, with other particulars")


def _keep_word(it: Taking, told: PaymentReceived) -> list[str]:
    """Settle the promise and the instalments that are covered now; returns which."""
    settled, customer = [], told.customer_id
    promise = promises.open_of(it.session, customer)
    if promise is not None:
        in_time = payments.received_since(it.session, customer, promise.made_at, promise.promised_for)
        if commitments.keeps_promise(promise.amount, in_time):
            promises.settle(it.session, promise, PromiseOutcome.KEPT, it.now)
            settled.append(f"the promise of {promise.amount:,.2f} is kept")
    plan = payment_plans.active_of(it.session, customer)
    if plan is not None:
        paid = payments.received_since(it.session, customer, plan.agreed_at)
        amounts = [one.amount for one in payment_plans.instalments(it.session, plan.id)]
        covered = commitments.instalments_covered(amounts, paid)
        settled += [f"instalment {one} is paid" for one in payment_plans.mark_paid(it.session, plan, covered, it.now)]
    return settled


def _plan_agreed(it: Taking, told: PlanAgreed) -> None:
    _ledger_currency(it, told.currency)
    rates = [(one.due_date, one.amount) for one in told.instalments]
    payment_plans.agree(
        it.session, customer_id=told.customer_id, note=told.note, instalments=rates, at=min(told.agreed_at, it.now)
    )
    total = sum(amount for _, amount in rates)
    it.note("plan_agreed", f"{total:,.2f} {told.currency} in {len(rates)} instalment(s) until {rates[-1][0]}")
    it.facts_changed()
    if it.hold is not None and dispute_rules.speaks_for_release(it.hold.status):
        it.request_release(ReleaseCause.PAYMENT_PLAN, f"a payment plan is agreed: {it.why}")


def _instalment_missed(it: Taking, told: InstalmentMissed) -> None:
    plan = payment_plans.active_of(it.session, told.customer_id)
    if plan is None:
        raise OutOfOrderError(f"customer {told.customer_id} has no active payment plan: tell of the plan first")
    if not payment_plans.miss(it.session, plan, told.number, told.missed_at):
        raise BadEventError("number", f"the active plan has no unpaid instalment {told.number}")
    it.note("instalment_missed", f"instalment {told.number} was missed: the payment plan is {PlanStatus.BROKEN}")
    it.facts_changed()


def _plan_ended(it: Taking, told: PlanEnded) -> None:
    plan = payment_plans.active_of(it.session, told.customer_id)
    if plan is None:
        raise OutOfOrderError(f"customer {told.customer_id} has no active payment plan: tell of the plan first")
    payment_plans.end(it.session, plan, PlanStatus.ENDED, told.ended_at)
    it.note("plan_ended", f"the payment plan was called off: {told.reason or 'no reason given'}")
    it.facts_changed()


def _promised(it: Taking, told: Promise) -> None:
    _ledger_currency(it, told.currency)
    promises.make(
        it.session,
        customer_id=told.customer_id,
        hold_id=it.hold.id if it.hold else None,
        amount=told.amount,
        promised_for=told.promised_for,
        made_by=told.made_by,
        at=min(told.made_at, it.now),
    )
    it.note("promise_made", f"{told.made_by} promised {told.amount:,.2f} {told.currency} by {told.promised_for}")
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


def _known_invoice(it: Taking, invoice_id: str) -> None:
    if payments.invoice_of(it.session, it.event.customer_id, invoice_id) is None:
        raise BadEventError("invoice_id", f"customer {it.event.customer_id} has no invoice {invoice_id!r}")


def _ledger_currency(it: Taking, currency: str) -> None:
    if currency != it.policy.ledger_currency:
        raise BadEventError("currency", f"the ledger is kept in {it.policy.ledger_currency}, not in {currency}")
