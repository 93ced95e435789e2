"""`hold user`: who may sign in to the desk, and as what."""

from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import Column, console, err, filled, plural, print_table
from starter.cli.token import RoleName

app = Commands(no_args_is_help=True, help="Who may sign in to the desk, and as what.")

Login = Annotated[str, typer.Argument(help="The name he or she signs in with.")]

_COLUMNS = (
    Column("Login", "login"),
    Column("Name", "name", wraps=10, drop=3),
    Column("Email", "email", drop=2),
    Column("Role", "role"),
    Column("Signs in with", "signs_in_with", drop=1),
    Column("Disabled at", "disabled_at"),
)


@app.command()
def create(
    login: Login,
    role: Annotated[RoleName, typer.Option(help="What he or she may do.")],
    name: Annotated[str, typer.Option(help="The name in full.")] = "",
    email: Annotated[str | None, typer.Option(help="Where notifications go.")] = None,
) -> Answer:
    """Make a local account and print its one-time password, once."""
    return _print_once(open_desk().post("users", login=login, role=role, name=name, email=email))


@app.command("list")
def list_users() -> Answer:
    """List everybody."""
    document = open_desk().get("users")
    yield document
    print_table(filled(_COLUMNS, document["users"]))


@app.command()
def disable(login: Login) -> Answer:
    """Shut a user out, at once, and end his or her sessions."""
    return _print_changed(open_desk().patch("users", login, disabled=True))


@app.command()
def enable(login: Login) -> Answer:
    """Let a user sign in again."""
    return _print_changed(open_desk().patch("users", login, disabled=False))


@app.command()
def role(login: Login, role: Annotated[RoleName, typer.Argument(help="What he or she may do from now on.")]) -> Answer:
    """Give a user another role; it counts from the next request on."""
    return _print_changed(open_desk().patch("users", login, role=role))


@app.command()
def change(
    login: Login,
    name: Annotated[str | None, typer.Option(help="The name in full; '' for none.")] = None,
    email: Annotated[str | None, typer.Option(help="Where notifications go; '' for nowhere.")] = None,
) -> Answer:
    """Change a user's name or e-mail."""
    if name is None and email is None:
        raise typer.BadParameter("say what to change: --name, --email or both")
    changed = open_desk().patch("users", login, name=name, email=email)
    yield changed
    err.print(f"{changed['login']}: name {changed['name'] or 'none'}, e-mail {changed['email'] or 'none'}.")


@app.command("reset-password")
def reset_password(login: Login) -> Answer:
    """Replace a password by a one-time one and print it, once; the user's sessions end."""
    return _print_once(open_desk().post("users", login, "reset-password"))


@app.command("sign-out")
def sign_out(login: Login) -> Answer:
    """End all sessions of a user."""
    ended = open_desk().post("users", login, "sign-out")
    yield ended
    err.print(f"{plural(ended['sessions_ended'], 'session')} of {login} ended.")


def _print_once(made: Document) -> Answer:
    yield {"login": made["login"].strip().lower(), "one_time_password": made["one_time_password"]}
    err.print(f"One-time password of {made['login']}, for one sign-in within 24 hours; it is not shown again.")
    console.print(made["one_time_password"])


def _print_changed(user: Document) -> Answer:
    yield user
    state = "disabled" if user["disabled_at"] else "enabled"
    err.print(f"{user['login']} is {user['role']}, {state}.")
