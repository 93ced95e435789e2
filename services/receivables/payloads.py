"""What senders tell us, as strict payloads: an unknown field is a mistake, and so is an amount that is not exact."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from credit.events import DisputeResolution
from credit.health import Risk
from credit.plain_text import plain, plain_line

_YEAR = timedelta(days=366)
_FIRST_YEAR = 1990
"""Of due dates, as in files."""
_CLOCKS_DIFFER = timedelta(days=1)
"""How far ahead of ours a sender's day may be: time zones."""


_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
"""`Decimal` reads more than this: digits of other scripts, `1_000`, ` 5 `, `1E2`."""


def _exact(amount: object) -> object:
    if isinstance(amount, float | bool):
        raise ValueError('send amounts as strings, such as "1250.00": a JSON number loses digits')  # noqa: TRY004
    if isinstance(amount, str) and not _PLAIN.fullmatch(amount):
        raise ValueError('write amounts with the digits 0 to 9 and one point, such as "1250.00"')
    return amount


Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S"), AfterValidator(plain_line)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(plain)]
Amount = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(gt=0, max_digits=18, decimal_places=2),
    PlainSerializer(lambda amount: f"{amount:.2f}", when_used="json"),
]
OpenAmount = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, max_digits=18, decimal_places=2),
    PlainSerializer(lambda amount: f"{amount:.2f}", when_used="json"),
]
"""Zero for nothing."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Score = Annotated[Decimal, Field(ge=0, le=1), AfterValidator(lambda score: round(score, 4))]
Implausible = Iterator[tuple[str, str]]
"""Fields that cannot be true, and why."""


class Event(BaseModel):
    """What every event has."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Line
    event_id: Line | None = None
    """Needed only where neither `webhook-id` nor `Idempotency-Key` gives it."""

    def implausible(self, today: date) -> Implausible:  # noqa: ARG002
        """Yield what cannot be true today."""
        yield from ()


class HealthPrediction(Event):
    """A model's prediction of whether a customer will go on paying."""

    risk: Risk
    score: Score | None = None
    """0 to 1, as the model gave it."""
    model: Line
    reason: Text = ""
    predicted_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("predicted_at", self.predicted_at, today)


class DisputeOpened(Event):
    """A customer disputes an invoice."""

    action: Literal["opened"]
    invoice_id: Line
    reason: Text = ""
    opened_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("opened_at", self.opened_at, today)


class DisputeClosed(Event):
    """A dispute is settled."""

    action: Literal["closed"]
    invoice_id: Line
    resolution: DisputeResolution
    reason: Text = ""
    closed_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("closed_at", self.closed_at, today)


class InvoicePosted(Event):
    """An invoice as it stands now: new, or changed."""

    invoice_id: Line
    due_date: date
    amount: OpenAmount
    """What is open of it; 0 closes it."""
    currency: Currency

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        if self.due_date.year < _FIRST_YEAR:
            yield "due_date", f"{self.due_date} lies before {_FIRST_YEAR}"
        if self.due_date > today + 10 * _YEAR:
            yield "due_date", f"{self.due_date} lies more than ten years ahead"


class PaymentReceived(Event):
    """Money arrived. Without an invoice it goes to the oldest ones."""

    payment_id: Line
    invoice_id: Line | None = None
    amount: Amount
    currency: Currency
    paid_on: date

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("paid_on", self.paid_on, today)


class Instalment(BaseModel):
    """One instalment of a plan."""

    model_config = ConfigDict(extra="forbid")

    due_date: date
    amount: Amount


def _in_order(instalments: list[Instalment]) -> list[Instalment]:
    if any(later.due_date <= earlier.due_date for earlier, later in pairwise(instalments)):
        raise ValueError("due dates must rise from one instalment to the next")
    return instalments


class PlanAgreed(Event):
    """A payment plan was agreed; it replaces the one that is active."""

    action: Literal["agreed"]
    instalments: Annotated[list[Instalment], Field(min_length=1, max_length=120), AfterValidator(_in_order)]
    currency: Currency
    note: Text = ""
    agreed_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("agreed_at", self.agreed_at, today)
        if self.instalments[-1].due_date < today - _CLOCKS_DIFFER:
            yield "instalments", "every due date has passed"
        if self.instalments[-1].due_date > today + 10 * _YEAR:
            yield "instalments", "a due date lies more than ten years ahead"


class InstalmentMissed(Event):
    """An instalment of the active plan was not paid: that breaks the plan."""

    action: Literal["instalment_missed"]
    number: Annotated[int, Field(ge=1, le=120)]
    missed_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("missed_at", self.missed_at, today)


class PlanEnded(Event):
    """The active plan was called off."""

    action: Literal["ended"]
    reason: Text = ""
    ended_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("ended_at", self.ended_at, today)


class Promise(Event):
    """Somebody at the customer promised to pay by a day. It supersedes the promise before."""

    amount: Amount
    currency: Currency
    promised_for: date
    made_by: Line
    made_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from _past("made_at", self.made_at, today)
        if self.promised_for < today - _CLOCKS_DIFFER:
            yield "promised_for", f"{self.promised_for} has passed"
        if self.promised_for > today + _YEAR:
            yield "promised_for", f"{self.promised_for} lies more than a year ahead"


Dispute = Annotated[DisputeOpened | DisputeClosed, Field(discriminator="action")]
PaymentPlanEvent = Annotated[PlanAgreed | InstalmentMissed | PlanEnded, Field(discriminator="action")]


def _past(field: str, when: date | datetime, today: date) -> Implausible:
    day = when.date() if isinstance(when, datetime) else when
    if day > today + _CLOCKS_DIFFER:
        yield field, f"{day} lies in the future"
    if day < today - _YEAR:
        yield field, f"{day} lies more than a year back"
