"""What the events about money write: invoices, payments, payment plans and promises."""

from credit import commitments, composed
from credit import disputes as dispute_rules
from credit.credit_hold import LimitCause, LimitState
from credit.events import EventOutcome, PlanStatus, PromiseOutcome
from credit.states import ReleaseCause
from credit.wording import counted
from db.errors import BadEventError, OutOfOrderError
from db.freight import credit_limits
from db.models import Payment
from db.receivables import invoices, payment_plans, payments, promises
from db.receivables.invoices import Posted
from services.receivables.payloads import (
    InstalmentMissed,
    InvoicePosted,
    PaymentReceived,
    PlanAgreed,
    PlanEnded,
    Promise,
)
from services.receivables.taking import Taking, known_invoice, ledger_currency


def invoiced(it: Taking, told: InvoicePosted) -> None:
    """Write an invoice as it stands now, and judge the credit limit."""
    ledger_currency(it, told.currency)
    posted = invoices.post(
        it.session,
        invoice_id=told.invoice_id,
        customer_id=told.customer_id,
        due_date=told.due_date,
        amount=told.amount,
        currency=told.currency,
    )
    if posted is Posted.NOT_THEIRS:
        raise BadEventError("invoice_id", f"{told.invoice_id!r} is not an invoice of customer {told.customer_id}")
    if posted is Posted.AS_BEFORE:
        it.outcome = EventOutcome.KNOWN_ALREADY
        it.why = f"invoice {told.invoice_id} stands so already"
        return
    stands = f"{told.amount:,.2f} {told.currency} due {told.due_date}" if told.amount else "closed"
    limits = _limits_crossed(it, LimitCause.INVOICE)
    it.note("invoice_posted", "; ".join([f"invoice {told.invoice_id} ({posted}): {stands}", *limits]))
    it.facts_changed()


def paid(it: Taking, told: PaymentReceived) -> None:
    """Post a payment, settle what it keeps, and judge the credit limit."""
    ledger_currency(it, told.currency)
    if told.invoice_id is not None:
        known_invoice(it, told.invoice_id)
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
    posts = composed.some([f"{one['amount']} to {one['invoice_id']}" for one in payment.applied], "invoices")
    posts += [f"{payment.amount_unapplied:.2f} as a credit"] if payment.amount_unapplied else []
    kept = _keep_word(it, told)
    limits = _limits_crossed(it, LimitCause.PAYMENT)
    it.note("payment_received", f"{told.amount:,.2f} {told.currency} paid: {'; '.join([*posts, *kept, *limits])}")
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


def _limits_crossed(it: Taking, cause: LimitCause) -> list[str]:
    """Judge the customer's credit limit; returns what was crossed. After the amounts, and before anything is noted."""
    said = []
    crossed = credit_limits.evaluate(it.session, [it.event.customer_id], cause=cause, actor=it.event.source, now=it.now)
    for one in crossed:
        state = "exceeded" if one.after is LimitState.EXCEEDED else "met again"
        done = ", now on credit hold" if one.applied else ", block lifted" if one.lifted else ""
        said.append(f"customer {one.customer_id}'s credit limit is {state}{done}")
    return said


def plan_agreed(it: Taking, told: PlanAgreed) -> None:
    """Write down a payment plan; one of a held customer asks for the release."""
    ledger_currency(it, told.currency)
    rates = [(one.due_date, one.amount) for one in told.instalments]
    payment_plans.agree(
        it.session, customer_id=told.customer_id, note=told.note, instalments=rates, at=min(told.agreed_at, it.now)
    )
    total = sum(amount for _, amount in rates)
    it.note("plan_agreed", f"{total:,.2f} {told.currency} in {counted(len(rates), 'instalment')} until {rates[-1][0]}")
    it.facts_changed()
    if it.hold is not None and dispute_rules.speaks_for_release(it.hold.status):
        it.request_release(ReleaseCause.PAYMENT_PLAN, f"a payment plan is agreed: {it.why}")


def instalment_missed(it: Taking, told: InstalmentMissed) -> None:
    """Break the active plan."""
    plan = payment_plans.active_of(it.session, told.customer_id)
    if plan is None:
        raise OutOfOrderError(f"customer {told.customer_id} has no active payment plan: tell of the plan first")
    if not payment_plans.miss(it.session, plan, told.number, told.missed_at):
        raise BadEventError("number", f"the active plan has no unpaid instalment {told.number}")
    it.note("instalment_missed", f"instalment {told.number} was missed: the payment plan is {PlanStatus.BROKEN}")
    it.facts_changed()


def plan_ended(it: Taking, told: PlanEnded) -> None:
    """End the active plan."""
    plan = payment_plans.active_of(it.session, told.customer_id)
    if plan is None:
        raise OutOfOrderError(f"customer {told.customer_id} has no active payment plan: tell of the plan first")
    payment_plans.end(it.session, plan, PlanStatus.ENDED, told.ended_at)
    it.note("plan_ended", f"the payment plan was called off: {told.reason or 'no reason given'}")
    it.facts_changed()


def promised(it: Taking, told: Promise) -> None:
    """Write down a promise to pay."""
    ledger_currency(it, told.currency)
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
