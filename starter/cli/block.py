"""`hold block list | add | remove`: the entries of a customer's Credit Hold page."""

from typing import Annotated
from uuid import UUID

import typer

from starter.cli import asking
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import Column, Table, err, print_json, print_table, table
from starter.cli.profile import say_release

app = typer.Typer(no_args_is_help=True, help="Credit Hold pages: what is blocked for a customer, and why.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Customer = Annotated[str, typer.Argument(help="The customer's id.")]


@app.command("list")
def list_entries(customer: Customer, as_json: Json = False) -> None:
    """List what is blocked for a customer."""
    document = open_desk().get("customers", customer, "credit-hold-entries")
    if as_json:
        print_json(document)
    elif document["entries"]:
        print_table(_table(document["entries"]))
    else:
        err.print(f"Nothing is blocked for customer {customer}.")


@app.command()
def add(
    customer: Customer,
    note: Annotated[str, typer.Option("--note", help="Tells other users the reason.")],
    tariffs: Annotated[
        list[str] | None, typer.Option("--tariff", help="A tariff to block; repeat it for more. All by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Block all tariffs, which is a credit hold, or only those named."""
    asking.require_text(note)
    entry = open_desk().post("customers", customer, "credit-hold-entries", tariffs=tariffs or None, note=note)
    if as_json:
        print_json(entry)
        return
    err.print(f"Customer {customer}: {entry['label']} (entry {entry['id']}).")
    for warning in entry["warnings"]:
        err.print(f"Note: {warning}.")


@app.command()
def remove(
    customer: Customer,
    entry: Annotated[UUID, typer.Argument(metavar="ENTRY", help="As `hold block list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    as_json: Json = False,
) -> None:
    """Delete an entry, which lifts its block. A service hold's asks for the hold's release instead."""
    done = open_desk().delete("customers", customer, "credit-hold-entries", str(entry), reason=reason)
    if as_json:
        print_json(done)
    elif done["ended"]:
        err.print(f"Deleted: customer {customer} is not blocked by it any more.")
    else:
        say_release(done)


def _table(entries: list[Document]) -> Table:
    made = table(
        Column("Blocked", wraps=16),
        Column("Source", drop=3),
        Column("Note", wraps=16, drop=5),
        Column("By", drop=4),
        Column("Since (UTC)", drop=2),
        Column("Entry", drop=1),
    )
    for row in entries:
        since = row["created_at"][:16].replace("T", " ")
        made.add(row["label"], row["source"].replace("_", " "), row["note"], row["created_by"], since, row["id"])
    return made
