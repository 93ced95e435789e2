"""What every event has. Each kind is a file of its own here: the payload, strictly read, and what taking it does.

An unknown field is a mistake, and so is an amount that is not exact.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from credit.events import EventKind
from credit.plain_text import plain, plain_line
from services.receivables.taking import Taking

YEAR = timedelta(days=366)
CLOCKS_DIFFER = timedelta(days=1)
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
Implausible = Iterator[tuple[str, str]]
"""Fields that cannot be true, and why."""


class Event(BaseModel):
    """One event: its fields are what senders may write, and `take` is all that it does."""

    model_config = ConfigDict(extra="forbid")

    kind: ClassVar[EventKind]
    customer_id: Line
    event_id: Line | None = None
    """Needed only where neither `webhook-id` nor `Idempotency-Key` gives it."""

    def implausible(self, today: date) -> Implausible:  # noqa: ARG002
        """Yield what cannot be true today."""
        yield from ()

    @abstractmethod
    def take(self, taking: Taking) -> None:
        """Write what the event says, and have its hold told, all within the transaction that takes it.

        Raises:
            BadEventError: a field makes no sense for what we know.
            OutOfOrderError: it is about something that we have not heard of yet.
        """


def past(field: str, when: date | datetime, today: date) -> Implausible:
    """Yield what is wrong with a time or day that must have passed, and lately."""
    day = when.date() if isinstance(when, datetime) else when
    if day > today + CLOCKS_DIFFER:
        yield field, f"{day} lies in the future"
    if day < today - YEAR:
        yield field, f"{day} lies more than a year back"
