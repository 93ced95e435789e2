"""`hold absence add | list | end`: who is away, and who decides meanwhile."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Why
from starter.cli.output import Column, err, minute, print_list

app = Commands(no_args_is_help=True, help="Who is away, and who stands in.")

_COLUMNS = (
    Column("Away", "login"),
    Column("Stands in", "delegate"),
    Column("From (UTC)", "starts_at", drop=2),
    Column("To (UTC)", lambda row: minute(row["ended_at"] or row["ends_at"]), drop=1),
    Column("State", "state", drop=4),
    Column("Why", "reason", wraps=16, drop=5),
    Column("Absence", "id", drop=3),
)


def _first_moment(text: str) -> datetime:
    return _moment(text, timedelta(0))


def _last_moment(text: str) -> datetime:
    return _moment(text, timedelta(days=1))


def _moment(text: str, whole_day: timedelta) -> datetime:
    """Read a time, or a day: its beginning and `whole_day`. UTC where no other zone is given."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) + whole_day
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a day like 2027-03-01 nor a time like 2027-03-01T09:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@app.command()
def add(
    delegate: Annotated[str, typer.Option("--delegate", metavar="LOGIN", help="Who stands in.")],
    until: Annotated[
        datetime, typer.Option("--until", parser=_last_moment, metavar="DATE", help="The last day, or a time (UTC).")
    ],
    reason: Why,
    since: Annotated[
        datetime | None,
        typer.Option("--from", parser=_first_moment, metavar="DATE", help="The first day, or a time (UTC); now."),
    ] = None,
    login: Annotated[
        str | None, typer.Option("--login", help="Who is away; you by default, somebody else as an admin only.")
    ] = None,
) -> Answer:
    """Let somebody stand in: told what you are told, and deciding with your role where it is the higher one."""
    starts = {} if since is None else {"starts_at": since}
    added = open_desk().post("absences", login=login, delegate=delegate, ends_at=until, reason=reason, **starts)
    yield added
    lasts = f"from {minute(added['starts_at'])} to {minute(added['ends_at'])} UTC"
    err.print(f"{added['delegate']} stands in for {added['login']} {lasts}.")


@app.command("list")
def list_absences(over_too: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False) -> Answer:
    """List who is away, or will be, and who stands in."""
    document = open_desk().get("absences", over=over_too)
    yield document
    print_list(_COLUMNS, document["absences"], none="Nobody is away.")


@app.command()
def end(absence: Annotated[UUID, typer.Argument(metavar="ABSENCE", help="As `hold absence list` shows it.")]) -> Answer:
    """End an absence now, or call it off before it begins."""
    ended = open_desk().delete("absences", str(absence))
    yield ended
    err.print(f"{ended['delegate']} does not stand in for {ended['login']} any more.")
