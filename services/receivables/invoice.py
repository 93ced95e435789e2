"""An invoice: posted, or changed. It may exceed a credit limit, or meet it again."""

from datetime import date

from credit.audit_entries import receivables as entries
from credit.credit_limit import LimitCause
from credit.events import EventKind, EventOutcome
from db.errors import BadEventError
from db.receivables import invoices
from db.receivables.invoices import Posted
from services.receivables.event import YEAR, Currency, Event, Implausible, Line, OpenAmount
from services.receivables.taking import Taking

_FIRST_YEAR = 1990
"""Of due dates, as in files."""


class InvoicePosted(Event):
    """An invoice as it stands now: new, or changed."""

    kind = EventKind.INVOICE

    invoice_id: Line
    due_date: date
    amount: OpenAmount
    """What is open of it; 0 closes it."""
    currency: Currency

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        if self.due_date.year < _FIRST_YEAR:
            yield "due_date", f"{self.due_date} lies before {_FIRST_YEAR}"
        if self.due_date > today + 10 * YEAR:
            yield "due_date", f"{self.due_date} lies more than ten years ahead"

    def take(self, taking: Taking) -> None:
        """Write the invoice as it stands now, and judge the credit limit."""
        taking.ledger_currency(self.currency)
        posted = invoices.post(
            taking.act.session,
            invoice_id=self.invoice_id,
            customer_id=self.customer_id,
            due_date=self.due_date,
            amount=self.amount,
            currency=self.currency,
        )
        if posted is Posted.NOT_THEIRS:
            raise BadEventError("invoice_id", f"{self.invoice_id!r} is not an invoice of customer {self.customer_id}")
        if posted is Posted.AS_BEFORE:
            taking.outcome = EventOutcome.KNOWN_ALREADY
            taking.why = f"invoice {self.invoice_id} stands so already"
            return
        stands = f"{self.amount:,.2f} {self.currency} due {self.due_date}" if self.amount else "closed"
        limits = taking.limits_crossed(LimitCause.INVOICE)
        taking.note(entries.InvoicePosted, "; ".join([f"invoice {self.invoice_id} ({posted}): {stands}", *limits]))
        taking.facts_changed()
