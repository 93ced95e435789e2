"""`hold ar schedule [--cron … --tz …] | pause | resume | show | run`: when the AR aging scan is due."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.text import Text
from temporalio.client import Client

from credit.permissions import Permission
from runtime.temporal import connect
from services import schedules
from services.answers import utc
from starter.cli.context import Context, open_context
from starter.cli.output import console, err, print_json

app = typer.Typer(invoke_without_command=True)

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
    context = open_context()
    if cron is None and time_zone is None:
        context.require(Permission.LOOK)
        asyncio.run(_show(context, as_json=as_json))
        return
    context.require(Permission.SCHEDULE_SCAN)

    async def run() -> None:
        client = await connect(context.settings)
        known = await schedules.show(client)
        await schedules.change(
            client,
            cron=cron or (known.cron if known else context.settings.ar_aging_cron),
            time_zone=time_zone or (known.time_zone if known else context.settings.ar_aging_time_zone),
            task_queue=context.settings.task_queue,
        )
        await _show(context, as_json=as_json)

    asyncio.run(run())


@app.command()
def show(as_json: Json = False) -> None:
    """Show when the scan is due next, and the last runs."""
    context = open_context()
    context.require(Permission.LOOK)
    asyncio.run(_show(context, as_json=as_json))


@app.command()
def pause(reason: Note = "", as_json: Json = False) -> None:
    """Stop the scan from becoming due, until it is resumed."""
    _act(lambda context, client: schedules.pause(client, _note("paused", context, reason)), as_json=as_json)


@app.command()
def resume(reason: Note = "", as_json: Json = False) -> None:
    """Let the scan become due again."""
    _act(lambda context, client: schedules.resume(client, _note("resumed", context, reason)), as_json=as_json)


@app.command()
def run(as_json: Json = False) -> None:
    """Run the scan now, as if it were due."""
    _act(lambda _, client: schedules.run_now(client), as_json=as_json)


def _note(what: str, context: Context, reason: str) -> str:
    return f"{what} by {context.actor}" + (f": {reason}" if reason else "")


def _act(act: Callable[[Context, Client], Awaitable[None]], *, as_json: bool) -> None:
    context = open_context()
    context.require(Permission.SCHEDULE_SCAN)

    async def run() -> None:
        await act(context, await connect(context.settings))
        await _show(context, as_json=as_json)

    asyncio.run(run())


async def _show(context: Context, *, as_json: bool) -> None:
    found = await schedules.show(await connect(context.settings))
    if found is None:
        err.print("There is no schedule yet: a worker makes it when it starts, or give --cron and --tz.")
        raise typer.Exit(1)
    if as_json:
        print_json(
            {
                "cron": found.cron,
                "time_zone": found.time_zone,
                "paused": found.paused,
                "note": found.note,
                "next_runs": [utc(at) for at in found.next_runs],
                "recent_runs": [{"at": utc(at), "workflow_id": workflow} for at, workflow in found.recent_runs],
            }
        )
        return
    state = Text("paused", "yellow") if found.paused else Text("active", "green")
    console.print(
        Text.assemble(f"AR aging  {found.cron}  {found.time_zone}  ", state, f"  {found.note}"), soft_wrap=True
    )
    for at in found.next_runs[:3]:
        console.print(f"  next  {at:%Y-%m-%d %H:%M} UTC")
    for at, workflow in found.recent_runs[-5:]:
        console.print(f"  ran   {at:%Y-%m-%d %H:%M} UTC  {workflow}", soft_wrap=True)
