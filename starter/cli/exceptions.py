"""`hold exception add | list | end`: single orders and loads that a hold in force lets through."""

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from credit.outcomes import ExceptionScope
from credit.permissions import Permission
from db.engine import transaction
from db.holds import holds, outcomes
from services.holds.answers import HoldException
from starter.cli.context import open_context
from starter.cli.dates import operations
from starter.cli.output import Column, err, print_json, print_table, table

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@app.command()
def add(
    name: Name,
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], metavar="DATE", help="The last day.")],
    reason: Reason,
    order: Annotated[str | None, typer.Option("--order", metavar="ID", help="The order that is let through.")] = None,
    load: Annotated[str | None, typer.Option("--load", metavar="ID", help="The load that is let through.")] = None,
    as_json: Json = False,
) -> None:
    """Let one order or one load through a hold until a day. The hold itself stays as it is."""
    if (order is None) == (load is None):
        raise typer.BadParameter("give either --order or --load")
    scope, reference = (ExceptionScope.ORDER, order) if order is not None else (ExceptionScope.LOAD, load)
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        granted = await (await operations(context)).add_exception(
            name, scope=scope, reference=reference or "", until=until.date(), reason=reason, actor=context.actor
        )
        if as_json:
            print_json(granted.document())
        else:
            told = f"{granted.scope.capitalize()} {granted.reference} is let through until {granted.until}."
            err.print(told)

    asyncio.run(run())


@app.command("list")
def list_exceptions(name: Name, as_json: Json = False) -> None:
    """List a hold's exceptions, those that are over too."""
    context = open_context()
    context.require(Permission.LOOK)
    with transaction(context.engine) as session:
        found = outcomes.exceptions_of(session, holds.find(session, name).id)
    if as_json:
        print_json({"exceptions": [HoldException.of_row(row).document() for row in found]})
        return
    if not found:
        err.print("This hold lets nothing through.")
        return
    made = table(
        Column("What", wraps=12),
        "Until",
        Column("Granted by", drop=3),
        Column("Why", wraps=16, drop=4),
        Column("Ended", wraps=16, drop=1),
        Column("Exception", drop=2),
    )
    for row in found:
        ended = f"{row.ended_at:%Y-%m-%d} by {row.ended_by}: {row.end_reason}" if row.ended_at else ""
        made.add(f"{row.scope} {row.reference}", str(row.until), row.created_by, row.reason, ended, str(row.id))
    print_table(made)


@app.command()
def end(
    name: Name,
    exception_id: Annotated[UUID, typer.Argument(metavar="EXCEPTION", help="As `hold exception list` shows it.")],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """End an exception before its last day."""
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        ended = await (await operations(context)).end_exception(name, exception_id, reason=reason, actor=context.actor)
        if as_json:
            print_json(ended.document())
        else:
            err.print(f"{ended.scope.capitalize()} {ended.reference} is not let through any more.")

    asyncio.run(run())
