"""`hold dates`: the day on which a hold in force is to end, and the day on which somebody looks at it again."""

from datetime import date
from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import HoldOrCustomer, Reason
from starter.cli.output import err

app = Commands()

_NONE = "none"


def _day(given: str | None) -> date | None:
    if given is None or given == _NONE:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(f"{given!r} is no day: give one like 2026-12-31, or {_NONE} to clear it") from error


@app.command()
def dates(
    name: HoldOrCustomer,
    reason: Reason,
    end: Annotated[
        str | None, typer.Option("--end", metavar="DATE", help="On this day the release is proposed; none clears it.")
    ] = None,
    review: Annotated[
        str | None, typer.Option("--review", metavar="DATE", help="On this day somebody looks again; none clears it.")
    ] = None,
) -> Answer:
    """Set the day on which a hold is to end, or is looked at again. Neither lifts anything by itself."""
    given = {"end_date": end, "review_date": review}
    days = {which: _day(text) for which, text in given.items() if text is not None}
    if not days:
        raise typer.BadParameter("give --end, --review, or both")
    hold = open_desk().put("holds", name, "dates", **days, reason=reason)
    yield {key: hold[key] for key in ("id", "customer_id", "status", "end_date", "review_date")}
    ends, looked_at = hold["end_date"] or "not set", hold["review_date"] or "not set"
    err.print(f"{hold['customer_name']}: end date {ends}, review date {looked_at}.")
