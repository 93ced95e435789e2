"""A dispute of an invoice: opened, or closed. Repeated ones propose a hold, one of a held customer its release."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from credit import disputes as dispute_rules
from credit.audit_entries import receivables as entries
from credit.disputes import Pattern
from credit.events import ActionKind, DisputeResolution, EventKind, EventOutcome
from credit.states import ReleaseCause
from credit.triggers import TriggerKind
from db.errors import OutOfOrderError
from db.holds import actions
from db.models import InvoiceDispute
from db.receivables import disputes
from services.receivables.event import Event, Implausible, Line, Text, past
from services.receivables.taking import Taking


class DisputeOpened(Event):
    """A customer disputes an invoice."""

    kind = EventKind.DISPUTE

    action: Literal["opened"]
    invoice_id: Line
    reason: Text = ""
    opened_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("opened_at", self.opened_at, today)

    def take(self, taking: Taking) -> None:
        """Open the dispute; weigh it with those before, and for the release of a hold in force."""
        taking.known_invoice(self.invoice_id)
        if disputes.open_of(taking.act.session, self.invoice_id) is not None:
            taking.outcome = EventOutcome.KNOWN_ALREADY
            taking.why = f"invoice {self.invoice_id} has an open dispute already"
            return
        dispute = disputes.open_dispute(
            taking.act.session,
            customer_id=self.customer_id,
            invoice_id=self.invoice_id,
            reason=self.reason,
            source=taking.event.source,
            at=self.opened_at,
        )
        taking.note(entries.DisputeOpened, f"invoice {self.invoice_id} is disputed: {self.reason or 'no reason given'}")
        taking.facts_changed()
        _weigh_pattern(taking, dispute)
        if taking.hold is not None and dispute_rules.speaks_for_release(taking.hold.status):
            reason = taking.why
            _stage(taking, ActionKind.AR_HOLD_REVIEW, dispute, f"lift the hold? {reason}")
            taking.request_release(ReleaseCause.DISPUTE, reason)


class DisputeClosed(Event):
    """A dispute is settled."""

    kind = EventKind.DISPUTE

    action: Literal["closed"]
    invoice_id: Line
    resolution: DisputeResolution
    reason: Text = ""
    closed_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("closed_at", self.closed_at, today)

    def take(self, taking: Taking) -> None:
        """Close the dispute that is open."""
        taking.known_invoice(self.invoice_id)
        dispute = disputes.open_of(taking.act.session, self.invoice_id)
        if dispute is None:
            raise OutOfOrderError(
                f"invoice {self.invoice_id} has no open dispute: tell of its opening first, then again"
            )
        disputes.close(taking.act.session, dispute, self.resolution, self.closed_at)
        taking.note(
            entries.DisputeClosed,
            f"the dispute of invoice {self.invoice_id} is closed: {self.resolution}. {self.reason}",
        )
        taking.facts_changed()


Dispute = Annotated[DisputeOpened | DisputeClosed, Field(discriminator="action")]


def _weigh_pattern(taking: Taking, dispute: InvoiceDispute) -> None:
    """Recommend a hold where disputes repeat. What was reviewed already gets evidence, and only where it is open."""
    customer, since = dispute.customer_id, dispute_rules.window_start(taking.act.now, taking.policy)
    recent = disputes.opened_since(taking.act.session, customer, since)
    reviewed = actions.staged_since(taking.act.session, ActionKind.AR_REVIEW, customer, since)
    found = dispute_rules.pattern(recent, review_staged_in_window=reviewed, policy=taking.policy)
    reason = f"{recent} disputes within {taking.policy.repeated_disputes_window.days} days; {taking.why}"
    if found is Pattern.REPEATED:
        _stage(taking, ActionKind.AR_REVIEW, dispute, f"hold? {reason}")
    if found is Pattern.REPEATED or (found is Pattern.REVIEWED and taking.hold is not None):
        taking.trigger(TriggerKind.REPEATED_DISPUTES, reason)


def _stage(taking: Taking, kind: ActionKind, dispute: InvoiceDispute, detail: str) -> None:
    actions.stage(
        taking.act.session,
        kind,
        customer_id=dispute.customer_id,
        hold_id=taking.hold.id if taking.hold else None,
        dispute_id=dispute.id,
        detail=detail,
        at=taking.act.now,
    )
