"""`hold release | override | dates`: what people ask for while a hold is in force."""

from datetime import date
from typing import Annotated

import typer

from starter.cli import bulk, pages
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import HoldOrCustomer, Reason
from starter.cli.output import err, print_page

app = Commands()

_NONE = "none"


@app.command()
def release(
    customer: Annotated[
        str | None, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it should be lifted, for the record.")] = None,
    file: bulk.FromFile = None,
    dry_run: bulk.DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --from: don't ask.")] = False,
) -> Answer:
    """Propose to release a hold. It stays in force until somebody approves the release."""
    name, why = bulk.one_or_file(customer, reason, file, yes=yes, dry_run=dry_run)
    if file is not None:
        yield from bulk.propose("releases", "Propose a release", file, yes=yes, dry_run=dry_run)
        return
    desk = open_desk()
    proposed = desk.post("holds", name, "release", reason=why)
    yield proposed
    hold = desk.get("holds", proposed["id"])
    err.print(f"The release of {hold['customer_name']} waits for an approver.")
    print_page(pages.hold(hold))


@app.command()
def override(
    name: HoldOrCustomer, reason: Reason, yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False
) -> Answer:
    """Lift a hold now, and record it as an override. Where two people have to approve, the second still has to."""
    desk = open_desk()
    if not yes:
        typer.confirm(f"Lift the hold {name} now?", abort=True, err=True)
    done = desk.post("holds", name, "override", reason=reason)
    yield {key: done[key] for key in ("id", "decision_id", "status")}
    if done["decision_id"] is None:
        err.print("Noted. Above this amount a second person has to approve the release too.")
    elif not done["delivered"]:
        err.print("Recorded. Temporal is away: the relay delivers it when it is back.")
    else:
        err.print(f"Lifted. Watch it with `hold show {name}`.")


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


def _day(given: str | None) -> date | None:
    if given is None or given == _NONE:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(f"{given!r} is no day: give one like 2026-12-31, or {_NONE} to clear it") from error
