"""`hold dates`: the day on which a hold in force is to end, and the day on which somebody looks at it again."""

import asyncio
from datetime import date
from typing import Annotated

import typer

from credit.outcomes import ScheduledDate
from credit.permissions import Permission
from runtime.temporal import connect
from services.holds.outcomes import OutcomeOperations
from starter.cli.context import Context, open_context
from starter.cli.output import err, print_json

_NONE = "none"


async def operations(context: Context) -> OutcomeOperations:
    """Connect to Temporal.

    Raises:
        RuntimeError: it cannot be reached.
    """
    return OutcomeOperations(context.engine, await connect(context.settings), context.settings.task_queue)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dates")(dates)


def _day(given: str | None) -> date | None:
    if given is None or given == _NONE:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(f"{given!r} is no day: give one like 2026-12-31, or {_NONE} to clear it") from error


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
    given = {ScheduledDate.END: end, ScheduledDate.REVIEW: review}
    days = {which: _day(text) for which, text in given.items() if text is not None}
    if not days:
        raise typer.BadParameter("give --end, --review, or both")
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        changed = await (await operations(context)).set_dates(name, days, reason=reason, actor=context.actor)
        hold = changed.document()
        if as_json:
            print_json({key: hold[key] for key in ("id", "customer_id", "status", "end_date", "review_date")})
            return
        ends, looked_at = hold["end_date"] or "not set", hold["review_date"] or "not set"
        err.print(f"{hold['customer_name']}: end date {ends}, review date {looked_at}.")

    asyncio.run(run())
