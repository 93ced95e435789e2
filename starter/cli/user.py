"""`hold user`: who may sign in to the desk, and as what."""

from typing import Annotated

import typer

from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import Column, console, err, plural, print_json
from starter.cli.token import AsJson, RoleName, print_documents

app = typer.Typer(no_args_is_help=True, help="Who may sign in to the desk, and as what.")

Login = Annotated[str, typer.Argument(help="The name he or she signs in with.")]


@app.command()
def create(
    login: Login,
    role: Annotated[RoleName, typer.Option(help="What he or she may do.")],
    name: Annotated[str, typer.Option(help="The name in full.")] = "",
    email: Annotated[str | None, typer.Option(help="Where notifications go.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a local account and print its one-time password, once."""
    _print_once(open_desk().post("users", login=login, role=role, name=name, email=email), as_json=as_json)


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List everybody."""
    document = open_desk().get("users")
    if as_json:
        print_json(document)
    else:
        columns = [
            Column("login"),
            Column("name", wraps=10, drop=3),
            Column("email", drop=2),
            Column("role"),
            Column("signs_in_with", drop=1),
            Column("disabled_at"),
        ]
        print_documents(columns, document["users"])


@app.command()
def disable(login: Login, as_json: AsJson = False) -> None:
    """Shut a user out, at once, and end his or her sessions."""
    _print_changed(open_desk().patch("users", login, disabled=True), as_json=as_json)


@app.command()
def enable(login: Login, as_json: AsJson = False) -> None:
    """Let a user sign in again."""
    _print_changed(open_desk().patch("users", login, disabled=False), as_json=as_json)


@app.command()
def role(
    login: Login,
    role: Annotated[RoleName, typer.Argument(help="What he or she may do from now on.")],
    as_json: AsJson = False,
) -> None:
    """Give a user another role; it counts from the next request on."""
    _print_changed(open_desk().patch("users", login, role=role), as_json=as_json)


@app.command("reset-password")
def reset_password(login: Login, as_json: AsJson = False) -> None:
    """Replace a password by a one-time one and print it, once; the user's sessions end."""
    _print_once(open_desk().post("users", login, "reset-password"), as_json=as_json)


@app.command("sign-out")
def sign_out(login: Login, as_json: AsJson = False) -> None:
    """End all sessions of a user."""
    ended = open_desk().post("users", login, "sign-out")
    if as_json:
        print_json(ended)
    else:
        err.print(f"{plural(ended['sessions_ended'], 'session')} of {login} ended.")


def _print_once(made: Document, *, as_json: bool) -> None:
    if as_json:
        print_json({"login": made["login"].strip().lower(), "one_time_password": made["one_time_password"]})
    else:
        err.print(f"One-time password of {made['login']}; it is not shown again.")
        console.print(made["one_time_password"])


def _print_changed(user: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(user)
    else:
        state = "disabled" if user["disabled_at"] else "enabled"
        err.print(f"{user['login']} is {user['role']}, {state}.")
