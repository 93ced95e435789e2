"""A payment: money arrived. It is posted, keeps what it keeps of promises and plans, and may meet a credit limit."""

from datetime import date

from credit import composed
from credit.audit_entries import receivables as entries
from credit.credit_limit import LimitCause
from credit.events import EventKind, EventOutcome
from db.errors import BadEventError
from db.models import Payment, PromiseToPay
from db.receivables import commitments, payments
from services.receivables.event import Amount, Currency, Event, Implausible, Line, past
from services.receivables.taking import Taking


class PaymentReceived(Event):
    """Money arrived. Without an invoice it goes to the oldest ones."""

    kind = EventKind.PAYMENT

    payment_id: Line
    invoice_id: Line | None = None
    amount: Amount
    currency: Currency
    paid_on: date

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("paid_on", self.paid_on, today)

    def take(self, taking: Taking) -> None:
        """Post the payment, settle what it keeps, and judge the credit limit."""
        taking.ledger_currency(self.currency)
        if self.invoice_id is not None:
            taking.known_invoice(self.invoice_id)
        posted = payments.find(taking.act.session, self.payment_id)
        if posted is not None:
            _same_payment(posted, self)
            taking.outcome = EventOutcome.KNOWN_ALREADY
            taking.why = f"payment {self.payment_id} was posted already"
            return
        payment = payments.post(
            taking.act.session,
            payment_id=self.payment_id,
            customer_id=self.customer_id,
            invoice_id=self.invoice_id,
            amount=self.amount,
            currency=self.currency,
            paid_on=self.paid_on,
            now=taking.act.now,
        )
        posts = composed.some([f"{one['amount']} to {one['invoice_id']}" for one in payment.applied], "invoices")
        posts += [f"{payment.amount_unapplied:.2f} as a credit"] if payment.amount_unapplied else []
        kept = [
            f"the promise of {one.amount:,.2f} is kept"
            if isinstance(one, PromiseToPay)
            else f"instalment {one.number} is paid"
            for one in commitments.settle_paid(taking.act.session, self.customer_id, taking.act.now)
        ]
        limits = taking.limits_crossed(LimitCause.PAYMENT)
        taking.note(
            entries.PaymentReceived, f"{self.amount:,.2f} {self.currency} paid: {'; '.join([*posts, *kept, *limits])}"
        )
        taking.facts_changed()


def _same_payment(posted: Payment, sent: PaymentReceived) -> None:
    same = (posted.customer_id, posted.invoice_id, posted.amount, posted.currency, posted.paid_on)
    if same != (sent.customer_id, sent.invoice_id, sent.amount, sent.currency, sent.paid_on):
        raise BadEventError("payment_id", f"payment {sent.payment_id} was posted already, with other particulars")
