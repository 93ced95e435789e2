"""`hold dates`: the day on which a hold in force is to end, and the day on which somebody looks at it again."""

from datetime import date
from typing import Annotated

import typer

from starter.cli.context import open_desk
from starter.cli.output import err, print_json

app = typer.Typer()

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
    name: Annotated[str, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    end: Annotated[
        str | None, typer.Option("--end", metavar="DATE", help="On this day the release is proposed; none clears it.")
    ] = None,
    review: Annotated[
        str | None, typer.Option("--review", metavar="DATE", help="On this day somebody looks again; none clears it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Set the day on which a hold is to end, or is looked at again. Neither lifts anything by itself."""
    given = {"end_date": end, "review_date": review}
    days = {which: _day(text) for which, text in given.items() if text is not None}
    if not days:
        raise typer.BadParameter("give --end, --review, or both")
    hold = open_desk().put("holds", name, "dates", **days, reason=reason)
    if as_json:
        print_json({key: hold[key] for key in ("id", "customer_id", "status", "end_date", "review_date")})
        return
    ends, looked_at = hold["end_date"] or "not set", hold["review_date"] or "not set"
    err.print(f"{hold['customer_name']}: end date {ends}, review date {looked_at}.")
