"""Weekly bar charts as values; templates only draw them. Each shows one thing: no colour has to be told apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from credit.report import Report, Week
from credit.wording import counted
from desk.formats import money, seconds_span

HEIGHT = 100
"""Of the tallest bar, in the chart's own units."""
_SHORTEST = 2


@dataclass(frozen=True)
class Bar:
    """One week. `height` is 0 only where nothing happened."""

    begins: date
    height: int
    said: str
    """Its value as people read it."""


@dataclass(frozen=True)
class Chart:
    """A bar for each week, the oldest first."""

    id: str
    title: str
    bars: Sequence[Bar]
    top: str
    """The value of the tallest bar; empty where there is none."""
    summary: str
    """The chart in a sentence, for who cannot see it."""


def charts(report: Report) -> list[Chart]:
    def amount(value: float) -> str:
        return f"{money(f'{value:.2f}')} {report.currency}"

    def holds(value: float) -> str:
        return counted(int(value), "hold")

    return [
        _chart(report, "proposed", "Proposed", lambda week: week.proposed, holds),
        _chart(report, "decided", "Decided", lambda week: week.approved + week.declined, holds),
        _chart(report, "released", "Released", lambda week: week.released, holds),
        _chart(
            report, "waited", "Time to decide, median", lambda week: week.median_seconds_to_decide or 0, seconds_span
        ),
        _chart(report, "paid", "Paid while held", lambda week: float(week.payments_while_held), amount),
    ]


def _chart(
    report: Report, name: str, title: str, value: Callable[[Week], float], said: Callable[[float], str]
) -> Chart:
    values = [(week.begins, value(week)) for week in report.weeks]
    most, when = max((height, begins) for begins, height in values)
    bars = [Bar(begins, _height(height, most), said(height)) for begins, height in values]
    most_said = f"the most, {said(most)}, in the week of {when}" if most else "nothing happened"
    return Chart(name, title, bars, said(most) if most else "", f"{title} by week: {most_said}.")


def _height(value: float, most: float) -> int:
    return max(round(value / most * HEIGHT), _SHORTEST) if value else 0
