"""`hold up | down | status | doctor`: the embedded stack, and what is wrong with whatever is configured.

They work without a desk. What they do is imported when it is done: the stack's libraries are slow to load.
"""

# ruff: noqa: PLC0415

from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands

app = Commands()

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Taken or refused; by default a free one is found.")]


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    desk_port: Port = None,
    postgres_port: Port = None,
    temporal_port: Port = None,
    temporal_ui_port: Port = None,
    netsuite_port: Port = None,
    smtp_port: Port = None,
    worker_health_port: Port = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as `hold status --json`, once all is ready.")] = False,
) -> None:
    """Start the embedded stack: PostgreSQL, Temporal, the NetSuite sandbox, a mail sink, the worker and the desk.

    On this machine; so are `down`, `status` and `doctor` about the stack here, and need no desk.
    """
    from starter.cli.local import stack

    ports = {
        "desk_port": desk_port,
        "postgres_port": postgres_port,
        "temporal_port": temporal_port,
        "temporal_ui_port": temporal_ui_port,
        "netsuite_port": netsuite_port,
        "smtp_port": smtp_port,
        "worker_health_port": worker_health_port,
    }
    raise typer.Exit(stack.up(ports, detach=detach, as_json=as_json))


@app.command()
def down() -> Answer:
    """Stop the embedded stack, on the machine where it runs. Its data stays. JSON is that of `hold status`."""
    from starter.cli.local import stack

    return stack.down()


@app.command()
def status() -> Answer:
    """Show where everything of the embedded stack is, and whether it runs, on the machine of the stack."""
    from starter.cli.local import stack

    return stack.status()


@app.command()
def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Also compare holds with Temporal, and mend what disagrees.")
    ] = False,
) -> Answer:
    """Look at each dependency: is it reachable, which version, what is wrong, how to mend it.

    On the machine of the stack, or wherever the database, Temporal and NetSuite can be reached.
    """
    from starter.cli.local import stack

    return stack.doctor(repair=repair)
