"""`hold release`: propose to lift a hold. An approver decides it, like every proposal."""

from typing import Annotated

import typer

from starter.cli import bulk, pages
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.output import err, print_page

app = Commands()


@app.command()
def release(
    customer: Annotated[
        str | None, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it should be lifted, for the record.")] = None,
    file: bulk.FromFile = None,
    dry_run: bulk.DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --from: don't ask.")] = False,
) -> Answer:
    """Propose to release a hold. It stays in force until somebody approves the release."""
    name, why = bulk.one_or_file(customer, reason, file, yes=yes, dry_run=dry_run)
    if file is not None:
        yield from bulk.propose("releases", "Propose a release", file, yes=yes, dry_run=dry_run)
        return
    desk = open_desk()
    proposed = desk.post("holds", name, "release", reason=why)
    yield proposed
    hold = desk.get("holds", proposed["id"])
    err.print(f"The release of {hold['customer_name']} waits for an approver.")
    print_page(pages.hold(hold))
