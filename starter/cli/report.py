"""`hold report`: time to decide, time held, what came in meanwhile, and what is stuck."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from credit.report import Numbers, PeriodError, Spread, Standing, period_of
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import Column, Table, err, print_table, table

app = Commands()


@app.command()
def report(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day; 90 days back by default."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day; today by default.")
    ] = None,
) -> Answer:
    """Report what a period's holds came to (days in UTC, inclusive), beside all time, and how things stand now.

    With --json the weekly numbers too.
    """
    try:
        begin, end = period_of(first and first.date(), last and last.date(), today=datetime.now(UTC).date())
    except PeriodError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from None
    document = open_desk().get("report", **{"from": begin, "to": end})
    yield document
    print_table(_table(document))
    _say_now(Standing.model_validate(document["now"]))


def _table(report: Document) -> Table:
    made = table(
        Column("", wraps=24),
        Column(f"{report['from']} to {report['to']}", number=True),
        Column("All time", number=True, drop=1),
    )
    numbers = (Numbers.model_validate(report[period]) for period in ("period", "overall"))
    for one, other in zip(*(_lines(each, report["currency"]) for each in numbers), strict=True):
        made.add(one[0], one[1], other[1])
    return made


def _lines(numbers: Numbers, currency: str) -> list[tuple[str, str]]:
    outcomes, rates = numbers.outcomes, numbers.outcomes.rates()
    return [
        ("Proposed", f"{sum(numbers.proposed_by_trigger.values()):,}"),
        ("Time to decide a hold, median / 90 %", _spread(numbers.time_to_decide.get("place", Spread()))),
        ("Time to decide a release, median / 90 %", _spread(numbers.time_to_decide.get("release", Spread()))),
        ("Approved", _with_rate(outcomes.approved, rates["approved"])),
        ("Declined", _with_rate(outcomes.declined, rates["declined"])),
        ("Expired", _with_rate(outcomes.expired, rates["expired"])),
        ("Withdrawn", _with_rate(outcomes.withdrawn, rates["withdrawn"])),
        ("Released", f"{numbers.released:,}"),
        ("… though the case still stood", _with_rate(numbers.overridden, numbers.override_rate)),
        ("Time held, median / 90 %", _spread(numbers.time_held)),
        ("Payments while held", f"{numbers.payments_while_held:,.2f} {currency}"),
        ("Open amount fell, proposal to release", f"{numbers.open_amount_fell:,.2f} {currency}"),
    ]


def _say_now(now: Standing) -> None:
    spread = f", for {_spread(now.time_in_force)} (median / 90 %)" if now.in_force else ""
    err.print(f"In force now: {now.in_force:,}{spread}.")
    for beat, count in now.stuck_beats.items():
        err.print(f"Stuck for more than an hour: {count:,} {beat}; `hold list` shows whose.", style="red")


def _with_rate(count: int, rate: float | None) -> str:
    return f"{count:,}" if rate is None else f"{count:,} ({rate:.0%})"


def _spread(spread: Spread) -> str:
    if spread.median_seconds is None or spread.p90_seconds is None:
        return ""
    return f"{_duration(spread.median_seconds)} / {_duration(spread.p90_seconds)}"


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
