"""`hold up | down | status | doctor`: the embedded stack, and what is wrong with whatever is configured."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy import make_url

from credit.permissions import Permission
from services.people.first_admin import LOGIN, PASSWORD_FILE
from starter.cli.context import Context, open_context
from starter.cli.output import console, err, plural, print_json
from starter.stack import control, record
from starter.stack.control import StackOptions
from starter.stack.doctor import Check, diagnose
from workflows.contract import Mending, ReconcileReport

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Taken or refused; by default a free one is found.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands about the stack."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("doctor")(doctor)


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    desk_port: Port = None,
    postgres_port: Port = None,
    temporal_port: Port = None,
    temporal_ui_port: Port = None,
    netsuite_port: Port = None,
    smtp_port: Port = None,
    worker_health_port: Port = None,
) -> None:
    """Start the embedded stack: PostgreSQL, Temporal, the NetSuite sandbox, a mail sink, the worker and the desk."""
    options = StackOptions(
        open_context().settings.data_dir,
        desk_port=desk_port,
        postgres_port=postgres_port,
        temporal_port=temporal_port,
        temporal_ui_port=temporal_ui_port,
        netsuite_port=netsuite_port,
        smtp_port=smtp_port,
        worker_health_port=worker_health_port,
    )
    raise typer.Exit(control.up_detached(options) if detach else control.up(options))


def down() -> None:
    """Stop the embedded stack. Its data stays."""
    raise typer.Exit(control.down(open_context().settings.data_dir))


def status(as_json: Json = False) -> None:
    """Show where everything of the embedded stack is, and whether it runs."""
    data_dir = open_context().settings.data_dir
    found = record.status(data_dir)
    running = bool(found.parts) and all(part.state == "running" for part in found.parts)
    if as_json:
        print_json(asdict(found))
    elif not found.parts:
        err.print(f"Nothing runs from {data_dir}. Start it with `hold up --detach`.", soft_wrap=True)
    else:
        for name, value in asdict(found).items():
            if name != "parts" and value:
                shown = make_url(value).render_as_string() if name == "postgres" else str(value)
                console.print(Text(f"{name.replace('_', ' '):<12} {shown}"), soft_wrap=True)
        for part in found.parts:
            colour = "green" if part.state == "running" else "red"
            console.print(Text.assemble("  ", ("●", colour), f" {part.name:<10} {part.state:<10} pid {part.pid}"))
        if (data_dir / PASSWORD_FILE).exists():
            err.print(f"Sign in to the desk as {LOGIN}; the one-time password is in {data_dir / PASSWORD_FILE}")
    raise typer.Exit(0 if running else 1)


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Also compare holds with Temporal, and mend what disagrees.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at each dependency: is it reachable, which version, what is wrong, how to mend it."""
    context = open_context()
    checks = diagnose(context.settings)
    healthy = all(check.ok for check in checks)
    report = asyncio.run(_repair(context)) if repair and healthy else None
    if as_json:
        document: dict[str, Any] = {"checks": [asdict(check) for check in checks]}
        print_json(document | ({"repair": report.model_dump(mode="json")} if report else {}))
    else:
        _print_checks(checks)
        _print_repair(report, repair=repair)
    raise typer.Exit(0 if healthy else 3)


async def _repair(context: Context) -> ReconcileReport:
    context.require(Permission.REPAIR)
    operations = await context.operations()
    return await operations.reconcile(Mending.REPAIR, actor=context.actor)


def _print_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        known = not (check.version or "").startswith("unknown")
        mark = ("✓", "green") if check.ok and known else ("?", "yellow") if check.ok else ("✗", "red")
        console.print(
            Text.assemble(mark), Text.assemble((f"{check.name:<21}", "bold"), check.version or ""), soft_wrap=True
        )
        if not check.ok:
            console.print(Text(f"    {check.problem}\n    → {check.remedy}"), soft_wrap=True)


def _print_repair(report: ReconcileReport | None, *, repair: bool) -> None:
    if report is None:
        if repair:
            err.print("Nothing was repaired: mend the services first.")
        return
    console.print(f"{report.looked_at:,} compared with Temporal, {plural(len(report.findings), 'disagreement')}")
    for finding in report.findings:
        done = finding.done or "Only reported."
        console.print(Text(f"  {finding.workflow_id}: {finding.problem}\n    → {done}"), soft_wrap=True)
