"""A promise to pay: somebody at the customer gave their word."""

from datetime import date

from pydantic import AwareDatetime

from credit.audit_entries import receivables as entries
from credit.events import EventKind
from db.receivables import promises
from services.receivables.event import CLOCKS_DIFFER, YEAR, Amount, Currency, Event, Implausible, Line, past
from services.receivables.taking import Taking


class Promise(Event):
    """Somebody at the customer promised to pay by a day. It supersedes the promise before."""

    kind = EventKind.PROMISE_TO_PAY

    amount: Amount
    currency: Currency
    promised_for: date
    made_by: Line
    made_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("made_at", self.made_at, today)
        if self.promised_for < today - CLOCKS_DIFFER:
            yield "promised_for", f"{self.promised_for} has passed"
        if self.promised_for > today + YEAR:
            yield "promised_for", f"{self.promised_for} lies more than a year ahead"

    def take(self, taking: Taking) -> None:
        """Write the promise down."""
        taking.ledger_currency(self.currency)
        promises.make(
            taking.act.session,
            customer_id=self.customer_id,
            hold_id=taking.hold.id if taking.hold else None,
            amount=self.amount,
            promised_for=self.promised_for,
            made_by=self.made_by,
            at=min(self.made_at, taking.act.now),
        )
        taking.note(
            entries.PromiseMade, f"{self.made_by} promised {self.amount:,.2f} {self.currency} by {self.promised_for}"
        )
        taking.facts_changed()
