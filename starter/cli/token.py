"""`hold token`: API tokens."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from credit.permissions import Permission, Role
from db.engine import transaction
from db.repositories import tokens
from starter.cli.context import open_context
from starter.cli.output import console, err, print_json

app = typer.Typer(no_args_is_help=True)


class RoleName(StrEnum):
    """The roles, as the command line spells them."""

    VIEWER = "viewer"
    REQUESTER = "requester"
    APPROVER = "approver"
    ADMIN = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who or what will use it; decisions are recorded under this name.")],
    role: Annotated[RoleName, typer.Option(help="What it may do.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an API token and print it, once. A token of the same name stops working."""
    context = open_context()
    context.require(Permission.MANAGE_PEOPLE)
    with transaction(context.engine) as session:
        made = tokens.create(session, name=name, role=Role[role.upper()], actor=context.actor, at=datetime.now(UTC))
    if as_json:
        print_json({"name": name, "role": role, "token": made})
    else:
        err.print(f"Token of {name} ({role}); it is not shown again. Use it as HOLD_TOKEN.", markup=False)
        console.print(made, markup=False)
