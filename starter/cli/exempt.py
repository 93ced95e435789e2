"""`hold exempt add | list | end`: customers whom automatic triggers leave alone for a while."""

from datetime import datetime
from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Customer, Reason
from starter.cli.output import Column, err, print_table, table

app = Commands(no_args_is_help=True, help="Customers whom automatic triggers leave alone for a while.")


@app.command()
def add(
    customer: Customer,
    until: Annotated[
        datetime, typer.Option("--until", formats=["%Y-%m-%d"], metavar="DATE", help="The last day it counts (UTC).")
    ],
    reason: Reason,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it; you by default.")] = None,
) -> Answer:
    """Exempt a customer from automatic holds. People can still propose one, and see a warning."""
    desk = open_desk()
    granted = desk.post("customers", customer, "exemption", until=until.date(), reason=reason, owner=owner)
    yield granted
    err.print(f"Customer {customer} is exempt from automatic holds until {granted['until']}.")


@app.command("list")
def list_exemptions(
    over_too: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> Answer:
    """List exemptions, the next to end first."""
    document = open_desk().get("exemptions", over=over_too)
    yield document
    if not document["exemptions"]:
        err.print("Nobody is exempt from automatic holds.")
        return
    made = table(
        "Customer",
        Column("Name", wraps=12, drop=3),
        "Until",
        Column("Owner", wraps=10, drop=2),
        Column("Why", wraps=16, drop=4),
        Column("Ended", wraps=16, drop=1),
    )
    for row in document["exemptions"]:
        ended = f"{row['ended_at'][:10]} by {row['ended_by']}: {row['end_reason']}" if row["ended_at"] else ""
        made.add(row["customer_id"], row["customer_name"], row["until"], row["owner"], row["reason"], ended)
    print_table(made)


@app.command()
def end(customer: Customer, reason: Reason) -> Answer:
    """End a customer's exemption before its last day."""
    ended = open_desk().delete("customers", customer, "exemption", reason=reason)
    yield ended
    err.print(f"Customer {customer} is not exempt any more.")
