"""`hold block list | add | remove`: the entries of a customer's Credit Hold page."""

from typing import Annotated
from uuid import UUID

import typer

from credit.wording import words
from starter.cli import asking
from starter.cli.asking import require_text
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Customer, DontAsk, Reason
from starter.cli.output import Column, err, print_list
from starter.cli.profile import say_release

app = Commands(no_args_is_help=True, help="Credit Hold pages: what is blocked for a customer, and why.")

_COLUMNS = (
    Column("Blocked", "label", wraps=16),
    Column("Source", lambda row: words(row["source"]), drop=3),
    Column("Note", "note", wraps=16, drop=5),
    Column("By", "created_by", drop=4),
    Column("Since (UTC)", "created_at", drop=2),
    Column("Entry", "id", drop=1),
)


@app.command("list")
def list_entries(customer: Customer) -> Answer:
    """List what is blocked for a customer."""
    document = open_desk().get("customers", customer, "credit-hold-entries")
    yield document
    print_list(_COLUMNS, document["entries"], none=f"Nothing is blocked for customer {customer}.")


@app.command()
def add(
    customer: Customer,
    note: Annotated[str, typer.Option("--note", help="Tells other users the reason.", callback=require_text)],
    tariffs: Annotated[
        list[str] | None, typer.Option("--tariff", help="A tariff to block; repeat it for more. All by default.")
    ] = None,
    yes: DontAsk = False,
) -> Answer:
    """Block all tariffs, which is a credit hold, or only those named. `hold start` is the proper road.

    On a terminal it says what a block by hand skips, and asks.
    """
    desk = open_desk()
    if not asking.may_block(desk, customer, tariffs, yes=yes):
        return
    entry = desk.post("customers", customer, "credit-hold-entries", tariffs=tariffs or None, note=note)
    yield entry
    err.print(f"Customer {customer}: {entry['label']} (entry {entry['id']}).")
    for warning in entry["warnings"]:
        err.print(f"Note: {warning}.")


@app.command()
def remove(
    customer: Customer,
    entry: Annotated[UUID, typer.Argument(metavar="ENTRY", help="As `hold block list` shows it.")],
    reason: Reason = "",
) -> Answer:
    """Delete an entry, which lifts its block. A service hold's asks for the hold's release instead."""
    done = open_desk().delete("customers", customer, "credit-hold-entries", str(entry), reason=reason)
    yield done
    if done["ended"]:
        err.print(f"Deleted: customer {customer} is not blocked by it any more.")
    else:
        say_release(done)
