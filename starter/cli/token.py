"""`hold token`: API tokens."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import Column, Table, console, err, minute, print_table

app = Commands(no_args_is_help=True, help="API tokens.")


class RoleName(StrEnum):
    """The roles of people, as the command line spells them."""

    VIEWER = "viewer"
    REQUESTER = "requester"
    APPROVER = "approver"
    ADMIN = "admin"


class TokenRoleName(StrEnum):
    """What a token may be: a role of people, or a sender of events."""

    SENDER = "sender"
    VIEWER = "viewer"
    REQUESTER = "requester"
    APPROVER = "approver"
    ADMIN = "admin"


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
    columns = [Column("name"), Column("role"), Column("created_at", drop=1), Column("revoked_at")]
    print_documents(columns, document["tokens"])


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The token's name, as `hold token list` shows it.")]) -> Answer:
    """Make a token useless, at once."""
    revoked = open_desk().delete("tokens", name)
    yield revoked
    err.print(f"The token of {name} does not work any more.")


def print_documents(columns: list[Column], rows: list[Document]) -> None:
    """Print documents as a table, its columns named after their members; times to the minute, in UTC."""
    made = Table([replace(column, name=column.name.replace("_", " ").capitalize()) for column in columns])
    for row in rows:
        made.add(*(_cell(column.name, row[column.name]) for column in columns))
    print_table(made)


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    return minute(str(value)) if name.endswith("_at") else str(value)
