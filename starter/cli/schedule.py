"""`hold ar schedule [--cron … --tz …] | pause | resume | show | run`: when the AR aging scan is due."""

from typing import Annotated

import typer
from rich.text import Text

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import console, err, minute

app = Commands(invoke_without_command=True, help="When the AR aging scan is due.")

Note = Annotated[str, typer.Option("--reason", help="Why; shown in the Web UI.")]


@app.callback()
def schedule(
    invoked: typer.Context,
    cron: Annotated[str | None, typer.Option("--cron", help="Five fields: minute hour day month weekday.")] = None,
    time_zone: Annotated[str | None, typer.Option("--tz", help="Like Europe/Oslo.")] = None,
) -> Answer:
    """Set when the AR aging scan is due, or show it. A pause stays a pause."""
    if invoked.invoked_subcommand is not None:
        return iter(())
    if cron is None and time_zone is None:
        return show()
    return _print(open_desk().put("ar-aging", "schedule", cron=cron, time_zone=time_zone))


@app.command()
def show() -> Answer:
    """Show when the scan is due next, and the last runs."""
    found = open_desk().get("ar-aging")["schedule"]
    if found is None:
        err.print("There is no schedule yet: a worker makes it when it starts, or give --cron and --tz.")
        raise typer.Exit(1)
    return _print(found)


@app.command()
def pause(reason: Note = "") -> Answer:
    """Stop the scan from becoming due, until it is resumed."""
    return _print(open_desk().post("ar-aging", "pause", reason=reason))


@app.command()
def resume(reason: Note = "") -> Answer:
    """Let the scan become due again."""
    return _print(open_desk().post("ar-aging", "resume", reason=reason))


@app.command()
def run() -> Answer:
    """Run the scan now, as if it were due."""
    return _print(open_desk().post("ar-aging", "schedule", "run"))


def _print(found: Document) -> Answer:
    yield found
    state = Text("paused", "yellow") if found["paused"] else Text("active", "green")
    head = f"AR aging  {found['cron']}  {found['time_zone']}  "
    console.print(Text.assemble(head, state, f"  {found['note']}"), soft_wrap=True)
    for warning in found["warnings"]:
        console.print(Text(f"  {warning}", "yellow"), soft_wrap=True)
    for at in found["next_runs"][:3]:
        console.print(f"  next  {minute(at)} UTC")
    for one in found["recent_runs"][-5:]:
        console.print(f"  ran   {minute(one['at'])} UTC  {one['workflow_id']}", soft_wrap=True)
