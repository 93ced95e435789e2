"""`hold exempt add | list | end`: customers whom automatic triggers leave alone for a while."""

from datetime import datetime
from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Customer, Reason
from starter.cli.output import Column, err, how_it_ended, print_list

app = Commands(no_args_is_help=True, help="Customers whom automatic triggers leave alone for a while.")

_COLUMNS = (
    Column("Customer", "customer_id"),
    Column("Name", "customer_name", wraps=12, drop=3),
    Column("Until", "until"),
    Column("Owner", "owner", wraps=10, drop=2),
    Column("Why", "reason", wraps=16, drop=4),
    Column("Ended", how_it_ended, wraps=16, drop=1),
)


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
    if granted["kept_by"]:
        err.print("The service hold was approved by a person and stays: `hold release` asks for its release.")


@app.command("list")
def list_exemptions(
    over_too: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> Answer:
    """List exemptions, the next to end first."""
    document = open_desk().get("exemptions", over=over_too)
    yield document
    print_list(_COLUMNS, document["exemptions"], none="Nobody is exempt from automatic holds.")


@app.command()
def end(customer: Customer, reason: Reason) -> Answer:
    """End a customer's exemption before its last day."""
    ended = open_desk().delete("customers", customer, "exemption", reason=reason)
    yield ended
    err.print(f"Customer {customer} is not exempt any more.")
