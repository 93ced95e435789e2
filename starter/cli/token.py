"""`hold token`: API tokens."""

from typing import Annotated, Literal

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.output import Column, console, err, filled, print_table

RoleName = Literal["viewer", "requester", "approver", "admin"]
"""The roles of people."""
TokenRoleName = Literal["sender", "viewer", "requester", "approver", "admin"]
"""What a token may be: a role of people, or a sender of events."""

app = Commands(no_args_is_help=True, help="API tokens.")

_COLUMNS = (
    Column("Name", "name"),
    Column("Role", "role"),
    Column("Created at", "created_at", drop=1),
    Column("Revoked at", "revoked_at"),
)


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who or what will use it; decisions are recorded under this name.")],
    role: Annotated[
        TokenRoleName, typer.Option(help="What it may do; a sender may post events (/api/events/…) and nothing else.")
    ],
) -> Answer:
    """Make an API token and print it, once. A token of the same name stops working."""
    made = open_desk().post("tokens", name=name, role=role)
    yield made
    err.print(f"Token of {name} ({role}); it is not shown again. Use it as HOLD_TOKEN.")
    console.print(made["token"])


@app.command("list")
def list_tokens() -> Answer:
    """List the API tokens; never the tokens themselves."""
    document = open_desk().get("tokens")
    yield document
    print_table(filled(_COLUMNS, document["tokens"]))


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The token's name, as `hold token list` shows it.")]) -> Answer:
    """Make a token useless, at once."""
    revoked = open_desk().delete("tokens", name)
    yield revoked
    err.print(f"The token of {name} does not work any more.")
