"""`hold override`: lift a hold now, its release proposed and approved in one step."""

import asyncio
from typing import Annotated

import typer

from credit.permissions import Permission, Role
from starter.cli.context import open_context
from starter.cli.dates import operations
from starter.cli.output import err, print_json


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("override")(override)


def override(
    name: Annotated[str, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Lift a hold now, and record it as an override. Where two people have to approve, the second still has to."""
    context = open_context()
    context.require(Permission.DECIDE)
    if not yes:
        typer.confirm(f"Lift the hold {name} now?", abort=True, err=True)

    async def run() -> None:
        is_admin = context.caller.role is Role.ADMIN
        done = await (await operations(context)).override(name, reason=reason, actor=context.actor, is_admin=is_admin)
        if as_json:
            print_json(done.document())
        elif done.decision_id is None:
            err.print("Noted. Above this amount a second person has to approve the release too.")
        elif not done.delivered:
            err.print("Recorded. Temporal is away: the relay delivers it when it is back.")
        else:
            err.print(f"Lifted. Watch it with `hold show {name}`.")

    asyncio.run(run())
