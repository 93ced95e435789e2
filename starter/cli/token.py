"""`hold token`: API tokens."""

from typing import Annotated, Literal

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.output import Column, console, err, filled, minute, print_table

RoleName = Literal["viewer", "requester", "approver", "admin"]
"""The roles of people."""
TokenRoleName = Literal["sender", "viewer", "requester", "approver", "admin"]
"""What a token may be: a role of people, or a sender of events."""

app = Commands(no_args_is_help=True, help="API tokens.")

_COLUMNS = (
    Column("Name", "name", wraps=10),
    Column("Role", "role"),
    Column("Owner", lambda token: token["owner"] or "a service", wraps=10),
    Column("Only", lambda token: ", ".join(token["scope"] or ()), wraps=12, drop=1),
    Column("Created at", "created_at", drop=2),
    Column("Last used at", "last_used_at"),
    Column("Works until", lambda token: "revoked" if token["revoked_at"] else minute(token["expires_at"])),
)


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What it is called, and a service is recorded as.")],
    role: Annotated[
        TokenRoleName,
        typer.Option(help="The most it may do; a sender may post events (/api/events/…) and nothing else."),
    ],
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="LOGIN",
            help="The person it acts for. By default the one whose login is the name, made where there is nobody.",
        ),
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="A program's, nobody's: it decides nothing. A sender's always is.")
    ] = False,
    expires_in: Annotated[
        int | None,
        typer.Option(metavar="DAYS", help="How long it works, at most 366 days. By default 90, a service's 366."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PERMISSION", help="All that it may, such as claim-and-decide; may be given again."),
    ] = None,
) -> Answer:
    """Make an API token and print it, once. A token of the same name stops working."""
    asked = {"name": name, "role": role, "owner": owner, "service": service, "scope": only or None}
    made = open_desk().post("tokens", **asked, expires_in_days=expires_in)
    yield made
    if made["new_person"]:
        err.print(f"{made['owner']} is a new person here, without a password: `hold user reset-password` gives one.")
    if made["replaced"]:
        err.print("The token of this name that worked until now does not any more.")
    whose = f"acts for {made['owner']}" if made["owner"] else "a service's"
    until = minute(made["expires_at"])
    err.print(f"Token {name} ({role}, {whose}, until {until}); it is not shown again. Use it as HOLD_TOKEN.")
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
