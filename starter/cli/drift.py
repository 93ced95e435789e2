"""`hold drift [list] | check | repair | accept | adopt`: where NetSuite says something else than the record wants."""

from threading import Timer
from typing import Annotated

import typer

from netsuite.records import CreditHoldOverride
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Customer, Reason
from starter.cli.output import Column, err, print_list

app = Commands(invoke_without_command=True, help="Where NetSuite says something else than the record wants.")

_PATIENCE = 10
"""Seconds after which who waits for a check is told that nobody has to."""

_COLUMNS = (
    Column("Customer", "customer_id"),
    Column("Name", "customer_name", wraps=12, drop=2),
    Column("NetSuite id", "netsuite_id", drop=1),
    Column("Wanted", "expected"),
    Column("Found", "found"),
    Column("Since (UTC)", "first_seen_at", drop=3),
    Column("Mend", "mend", drop=4),
)


@app.callback()
def list_by_default(invoked: typer.Context) -> Answer:
    """List where NetSuite and the record differ, and what can be done about each."""
    return list_drift() if invoked.invoked_subcommand is None else iter(())


@app.command("list")
def list_drift() -> Answer:
    """List where NetSuite and the record differ, and what can be done about each."""
    document = open_desk().get("drift")
    yield document
    print_list(_COLUMNS, document["drift"])
    err.print(document["said"])
    if document["check"]["state"] != "running":
        err.print("`hold drift check` looks now.")


@app.command()
def check() -> Answer:
    """Compare NetSuite with the record now: the same check that the schedule runs."""
    told = "Still comparing. It goes on without you, too: `hold drift` lists what it finds."
    telling = Timer(_PATIENCE, err.print, [told])
    telling.start()
    try:
        report = open_desk(patient=True).post("drift", "check")
    finally:
        telling.cancel()
    yield report
    compared = f"{report['looked_at']:,} compared: {report['differing']:,} differ"
    err.print(f"{compared}, {report['asked']:,} of them asked about now.")
    if report["unheld"]:
        err.print(f"{report['unheld']:,} ON in NetSuite without a hold here.")
    if report["differing"] or report["unheld"]:
        err.print("`hold drift` lists those that nobody has decided about.")


@app.command()
def repair(customer: Customer, reason: Reason) -> Answer:
    """Write a released hold's prior value to NetSuite again."""
    yield open_desk().post("drift", customer, "repair", reason=reason)
    err.print(f"NetSuite is being written again. Watch it with `hold show {customer}`.")


@app.command()
def accept(customer: Customer, reason: Reason) -> Answer:
    """Accept what NetSuite says of a released hold's customer: it is not listed again until it changes."""
    yield open_desk().post("drift", customer, "accept", reason=reason)
    err.print("Accepted. It is not listed again until NetSuite says something else.")


@app.command()
def adopt(
    customer: Customer,
    reason: Reason,
    prior: Annotated[
        CreditHoldOverride, typer.Option("--prior", help="What the release is to write.")
    ] = CreditHoldOverride.AUTO,
) -> Answer:
    """Propose a hold for a customer that is ON in NetSuite already. The push then writes nothing."""
    yield open_desk().post("drift", customer, "adopt", reason=reason, prior=prior)
    err.print(f"Proposed. It waits for an approver: `hold approve {customer}`.")
