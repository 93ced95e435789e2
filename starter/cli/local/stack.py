"""What `hold up | down | status | doctor` do."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text
from sqlalchemy import make_url

from credit.permissions import Permission
from runtime.temporal import connect
from services.holds.operations import Operations
from services.people.first_admin import PASSWORD_FILE, ensure_first_admin, where_it_is
from starter.cli.commands import Answer, Ended
from starter.cli.context import read_settings
from starter.cli.errors import REFUSED, UNREACHABLE, UnreachableError
from starter.cli.local.database import Database, opened
from starter.cli.output import console, err, plural, print_json
from starter.stack import control, lifecycle, record
from starter.stack.control import StackOptions
from starter.stack.doctor import Check, diagnose
from workflows.contract import Mending, ReconcileReport


def up(ports: dict[str, int | None], *, detach: bool, as_json: bool) -> int:
    """Start the embedded stack; returns the exit code.

    Args:
        ports: `{part}_port` -> which is wanted; None for any.
        detach: Whether to return when everything is ready.
        as_json: Whether to print the stack's status, once everything is.
    """
    options = StackOptions(read_settings().data_dir, **ports)

    def ready() -> None:
        if as_json:
            print_json(asdict(record.status(options.data_dir)))
            sys.stdout.flush()  # in the foreground nothing more comes for as long as it runs

    if not detach:
        return control.up(options, ready=ready)
    code, password_file = control.up_detached(options), options.data_dir / PASSWORD_FILE
    if code != lifecycle.DONE:
        return code
    ready()
    if password_file.exists():  # it may have grown too old while the stack was up
        url = read_settings().database_url.get_secret_value()
        if ensure_first_admin(url, password_file):
            err.print(where_it_is(password_file), soft_wrap=True)
    return code


def down() -> Answer:
    """Stop the embedded stack, and tell how everything is then; what happens is said meanwhile."""
    data_dir = read_settings().data_dir
    code = lifecycle.down(data_dir)
    yield Ended(asdict(record.status(data_dir)), code)


def status() -> Answer:
    """Tell where everything is."""
    data_dir = read_settings().data_dir
    found = record.status(data_dir)
    yield Ended(asdict(found), 0 if found.running else REFUSED)
    if not found.parts:
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
            err.print(where_it_is(data_dir / PASSWORD_FILE), soft_wrap=True)


def doctor(*, repair: bool) -> Answer:
    """Tell what is known of each dependency, and mend what can be."""
    settings = read_settings()
    checks = diagnose(settings)
    healthy = all(check.ok for check in checks)
    report = None
    if repair and healthy:
        with opened(settings) as database:
            report = asyncio.run(_repair(database))
    document: dict[str, Any] = {"checks": [asdict(check) for check in checks]}
    repaired = {"repair": report.model_dump(mode="json")} if report else {}
    yield Ended(document | repaired, 0 if healthy else UNREACHABLE)
    _print_checks(checks)
    _print_repair(report, repair=repair)


async def _repair(database: Database) -> ReconcileReport:
    caller = database.caller(Permission.REPAIR)
    try:
        client = await connect(database.settings)
    except RuntimeError as error:
        raise UnreachableError(f"a service: {error}") from error
    operations = Operations(database.engine, client, database.settings.task_queue)
    return await operations.reconcile(Mending.REPAIR, actor=caller.name)


def _print_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        known = not (check.version or "").startswith("unknown")
        plain = check.ok and known and not check.problem
        mark = ("✓", "green") if plain else ("?", "yellow") if check.ok else ("✗", "red")
        console.print(
            Text.assemble(mark), Text.assemble((f"{check.name:<21}", "bold"), check.version or ""), soft_wrap=True
        )
        if check.problem:
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
