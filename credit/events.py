"""What the outside world tells us about a customer, and what becomes of it. Names are the contract with senders."""

from enum import StrEnum


class EventKind(StrEnum):
    """What an event says; each has its own endpoint, `POST /api/events/<kind>`."""

    HEALTH_PREDICTION = "health-prediction"
    DISPUTE = "dispute"
    INVOICE = "invoice"
    PAYMENT = "payment"
    PAYMENT_PLAN = "payment-plan"
    PROMISE_TO_PAY = "promise-to-pay"


class EventOutcome(StrEnum):
    """What an event led to, at the moment it was taken."""

    RECORDED = "recorded"
    """Written down; nothing is proposed."""
    HOLD_RECOMMENDED = "hold_recommended"
    """A trigger goes to the customer's hold: it proposes one, or is evidence where one is open."""
    RELEASE_REQUESTED = "release_requested"
    """The hold in force is proposed for release."""
    KNOWN_ALREADY = "known_already"
    """Another event had told the same: nothing changed."""


class DisputeResolution(StrEnum):
    """How a dispute ended."""

    UPHELD = "upheld"
    """The customer was right."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class PlanStatus(StrEnum):
    """Where a payment plan stands. All but `agreed` are ends."""

    AGREED = "agreed"
    KEPT = "kept"
    """Every instalment was paid."""
    BROKEN = "broken"
    """An instalment was missed."""
    ENDED = "ended"
    """Called off, or replaced by another."""


class PromiseOutcome(StrEnum):
    """What became of a promise to pay."""

    KEPT = "kept"
    BROKEN = "broken"
    SUPERSEDED = "superseded"
    """The customer promised anew."""


class ActionKind(StrEnum):
    """What a person is advised to do."""

    AR_REVIEW = "ar_review"
    """Review the receivables: repeated disputes recommend a hold (service-hold spec, trigger conditions)."""
    AR_HOLD_REVIEW = "ar_hold_review"
    """Review the hold in force, because of a dispute, to lift it (service-hold spec, recovery)."""


class ActionStatus(StrEnum):
    """Where an advice stands."""

    STAGED = "staged"
    TAKEN = "taken"
    DISMISSED = "dismissed"
