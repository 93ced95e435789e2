"""The numbers people steer by, as values: what a period's holds came to. Counted in `db/holds/report.py`."""

from datetime import date, timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, computed_field

_DAYS = 90
_LONGEST = timedelta(days=3660)


class PeriodError(ValueError):
    """The days make no period; the text says what would."""


def period_of(first: date | None, last: date | None, *, today: date) -> tuple[date, date]:
    """Return the first and the last day of a report: by default today and the 90 days before.

    Raises:
        PeriodError: the first day is after the last, more than ten years before it, or either is out of bounds.
    """
    end = last or today
    if not date(1970, 1, 1) <= end <= today + _LONGEST:
        raise PeriodError(f"no report can end on {end}")
    begin = first or end - timedelta(days=_DAYS)
    if not end - _LONGEST <= begin <= end:
        raise PeriodError(f"from {begin} to {end} is no period: give a first day before the last, at most ten years")
    return begin, end


class Spread(BaseModel):
    """How long something took, in seconds; None where it never happened."""

    count: int = 0
    median_seconds: float | None = None
    p90_seconds: float | None = None


class Outcomes(BaseModel):
    """How proposals to place a hold ended. One that a person took back, or that returned to the approver, did not."""

    approved: int = 0
    declined: int = 0
    expired: int = 0
    withdrawn: int = 0

    @property
    def settled(self) -> int:
        """All of them."""
        return self.approved + self.declined + self.expired + self.withdrawn

    def rates(self) -> dict[str, float | None]:
        """Return each as a share of all; `decided` is approved or declined. None where there are none."""
        counts = self.model_dump() | {"decided": self.approved + self.declined}
        return {name: share(count, self.settled) for name, count in counts.items()}


class Numbers(BaseModel):
    """What happened within a period. Amounts are in the ledger's currency."""

    proposed_by_trigger: dict[str, int] = Field(examples=[{"ar_aging_tick_threshold": 40, "manual": 3}])
    """Holds proposed, by the kind of trigger that opened each."""
    time_to_decide: dict[str, Spread] = Field(examples=[{"place": {"count": 43, "median_seconds": 5400}}])
    """By kind of proposal (place, release, repair): from its opening to the decision that ended it."""
    outcomes: Outcomes
    released: int
    """Holds whose release was carried out."""
    release_causes: dict[str, int] = Field(examples=[{"payment": 12, "person": 4}])
    """By what first asked for the release; `unknown` where nothing is on record."""
    overridden: int
    """Released at a person's request though the case still stood: the facts under which the release took effect were
    above the AR aging threshold of the policy of that moment."""
    time_held: Spread
    """Of the released ones: from coming into force to the end."""
    payments_while_held: Decimal
    """Payments that came in while their customer's hold was in force, whatever became of the hold.

    Only those that were reported as payments: a ledger import lowers invoices and does not say why.
    """
    open_amount_fell: Decimal
    """By how much less the released customers owed at the release than when their hold was approved, those that owed
    more left out.

    From the facts kept with both decisions, so it also sees what imports closed. It takes credit notes for money, and
    new invoices hide some.
    """

    @property
    def override_rate(self) -> float | None:
        """The overridden ones as a share of the released."""
        return share(self.overridden, self.released)

    @computed_field(examples=[{"approved": 0.8, "declined": 0.1, "overridden": None}])
    def rates(self) -> dict[str, float | None]:
        """Each outcome as a share of all, and `overridden` of the released; None where nothing happened."""
        return self.outcomes.rates() | {"overridden": self.override_rate}


class Standing(BaseModel):
    """What is the case now, whatever the period."""

    in_force: int
    time_in_force: Spread
    """Of the holds that are in force now: since they came into force."""
    stuck_beats: dict[str, int] = Field(examples=[{"push_netsuite": 1}])
    """Beats that have been unfinished for longer than an hour."""


class Week(BaseModel):
    """One week, for charts; it begins on a Monday, 00:00 UTC."""

    begins: date
    proposed: int = 0
    approved: int = 0
    declined: int = 0
    expired: int = 0
    withdrawn: int = 0
    released: int = 0
    payments_while_held: Decimal = Decimal(0)
    median_seconds_to_decide: float | None = None
    """Of proposals to place a hold."""


class Report(BaseModel):
    """Everything: a period, all time, now, and the period's weeks. Amounts are strings, durations seconds."""

    model_config = ConfigDict(serialize_by_alias=True)

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    """Inclusive, in UTC."""
    currency: str
    period: Numbers
    overall: Numbers
    now: Standing
    weeks: list[Week]


def share(part: int, whole: int) -> float | None:
    """Return a share of 1, with four digits; None of nothing."""
    return round(part / whole, 4) if whole else None
