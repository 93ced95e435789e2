"""`hold exception add | list | end`: single orders and loads that a hold in force lets through."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import HoldOrCustomer, Reason
from starter.cli.output import Column, err, how_it_ended, print_list

app = Commands(no_args_is_help=True, help="Single orders and loads that a hold lets through.")

_COLUMNS = (
    Column("What", lambda row: f"{row['scope']} {row['reference']}", wraps=12),
    Column("Until", "until"),
    Column("Granted by", "created_by", drop=3),
    Column("Why", "reason", wraps=16, drop=4),
    Column("Ended", how_it_ended, wraps=16, drop=1),
    Column("Exception", "id", drop=2),
)


@app.command()
def add(
    name: HoldOrCustomer,
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], metavar="DATE", help="The last day.")],
    reason: Reason,
    order: Annotated[str | None, typer.Option("--order", metavar="ID", help="The order that is let through.")] = None,
    load: Annotated[str | None, typer.Option("--load", metavar="ID", help="The load that is let through.")] = None,
) -> Answer:
    """Let one order or one load through a hold until a day. The hold itself stays as it is."""
    if (order is None) == (load is None):
        raise typer.BadParameter("give either --order or --load")
    wanted = {"scope": "load", "reference": load} if order is None else {"scope": "order", "reference": order}
    granted = open_desk().post("holds", name, "exceptions", **wanted, until=until.date(), reason=reason)
    yield granted
    err.print(f"{granted['scope'].capitalize()} {granted['reference']} is let through until {granted['until']}.")


@app.command("list")
def list_exceptions(name: HoldOrCustomer) -> Answer:
    """List a hold's exceptions, those that are over too."""
    document = open_desk().get("holds", name, "exceptions")
    yield document
    print_list(_COLUMNS, document["exceptions"], none="This hold lets nothing through.")


@app.command()
def end(
    name: HoldOrCustomer,
    exception_id: Annotated[UUID, typer.Argument(metavar="EXCEPTION", help="As `hold exception list` shows it.")],
    reason: Reason,
) -> Answer:
    """End an exception before its last day."""
    ended = open_desk().delete("holds", name, "exceptions", str(exception_id), reason=reason)
    yield ended
    err.print(f"{ended['scope'].capitalize()} {ended['reference']} is not let through any more.")
