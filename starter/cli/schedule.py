"""`hold ar schedule [--cron … --tz …] | pause | resume | show | run`: when the AR aging scan is due."""

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import console, err, print_json

app = typer.Typer(invoke_without_command=True, help="When the AR aging scan is due.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Note = Annotated[str, typer.Option("--reason", help="Why; shown in the Web UI.")]


@app.callback()
def schedule(
    invoked: typer.Context,
    cron: Annotated[str | None, typer.Option("--cron", help="Five fields: minute hour day month weekday.")] = None,
    time_zone: Annotated[str | None, typer.Option("--tz", help="Like Europe/Oslo.")] = None,
    as_json: Json = False,
) -> None:
    """Set when the AR aging scan is due, or show it. A pause stays a pause."""
    if invoked.invoked_subcommand is not None:
        return
    if cron is None and time_zone is None:
        show(as_json=as_json)
        return
    _print(open_desk().put("ar-aging", "schedule", cron=cron, time_zone=time_zone), as_json=as_json)


@app.command()
def show(as_json: Json = False) -> None:
    """Show when the scan is due next, and the last runs."""
    found = open_desk().get("ar-aging")["schedule"]
    if found is None:
        err.print("There is no schedule yet: a worker makes it when it starts, or give --cron and --tz.")
        raise typer.Exit(1)
    _print(found, as_json=as_json)


@app.command()
def pause(reason: Note = "", as_json: Json = False) -> None:
    """Stop the scan from becoming due, until it is resumed."""
    _print(open_desk().post("ar-aging", "pause", reason=reason), as_json=as_json)


@app.command()
def resume(reason: Note = "", as_json: Json = False) -> None:
    """Let the scan become due again."""
    _print(open_desk().post("ar-aging", "resume", reason=reason), as_json=as_json)


@app.command()
def run(as_json: Json = False) -> None:
    """Run the scan now, as if it were due."""
    _print(open_desk().post("ar-aging", "schedule", "run"), as_json=as_json)


def _print(found: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    state = Text("paused", "yellow") if found["paused"] else Text("active", "green")
    head = f"AR aging  {found['cron']}  {found['time_zone']}  "
    console.print(Text.assemble(head, state, f"  {found['note']}"), soft_wrap=True)
    for at in found["next_runs"][:3]:
        console.print(f"  next  {_minute(at)}")
    for one in found["recent_runs"][-5:]:
        console.print(f"  ran   {_minute(one['at'])}  {one['workflow_id']}", soft_wrap=True)


def _minute(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC"
