"""`hold exempt add | list | end`: customers whom automatic triggers leave alone for a while."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from credit.permissions import Permission
from db.engine import transaction
from db.receivables import exemptions
from services.receivables.answers import Exemption
from starter.cli.context import open_context
from starter.cli.output import Column, err, print_json, print_table, table

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Customer = Annotated[str, typer.Argument(help="The customer's id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@app.command()
def add(
    customer: Customer,
    until: Annotated[
        datetime, typer.Option("--until", formats=["%Y-%m-%d"], metavar="DATE", help="The last day it counts (UTC).")
    ],
    reason: Reason,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it; you by default.")] = None,
    as_json: Json = False,
) -> None:
    """Exempt a customer from automatic holds. People can still propose one, and see a warning."""
    context = open_context()
    context.require(Permission.CHANGE_POLICY)
    with transaction(context.engine) as session:
        granted = exemptions.grant(
            session,
            customer,
            owner=owner or context.actor,
            reason=reason,
            until=until.date(),
            actor=context.actor,
            now=datetime.now(UTC),
        )
    if as_json:
        print_json(Exemption.of_row(granted).document())
    else:
        err.print(f"Customer {customer} is exempt from automatic holds until {granted.until}.")


@app.command("list")
def list_exemptions(
    over_too: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False, as_json: Json = False
) -> None:
    """List exemptions, the next to end first."""
    context = open_context()
    context.require(Permission.LOOK)
    with transaction(context.engine) as session:
        found = exemptions.listed(session, datetime.now(UTC), over_too=over_too)
    if as_json:
        documents = [Exemption.of_row(one).document() | {"customer_name": name} for one, name in found]
        print_json({"exemptions": documents})
        return
    if not found:
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
    for one, name in found:
        ended = f"{one.ended_at:%Y-%m-%d} by {one.ended_by}: {one.end_reason}" if one.ended_at else ""
        made.add(one.customer_id, name, str(one.until), one.owner, one.reason, ended)
    print_table(made)


@app.command()
def end(customer: Customer, reason: Reason, as_json: Json = False) -> None:
    """End a customer's exemption before its last day."""
    context = open_context()
    context.require(Permission.CHANGE_POLICY)
    with transaction(context.engine) as session:
        ended = exemptions.end(session, customer, reason=reason, actor=context.actor, now=datetime.now(UTC))
    if as_json:
        print_json(Exemption.of_row(ended).document())
    else:
        err.print(f"Customer {customer} is not exempt any more.")
