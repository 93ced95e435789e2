"""`hold user`: who may sign in to the desk, and as what."""

from typing import Annotated

import typer

from credit.permissions import Role
from starter.cli.output import Column, console, err, plural, print_json
from starter.cli.token import AsJson, RoleName, manage_people, print_documents

app = typer.Typer(no_args_is_help=True)

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
    context, people = manage_people()
    password = people.create(login, Role[role.upper()], actor=context.actor, name=name, email=email)
    _print_once(login, password, as_json=as_json)


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List everybody."""
    _, people = manage_people()
    found = people.listed()
    if as_json:
        print_json(found.document())
    else:
        columns = [
            Column("login"),
            Column("name", wraps=10, drop=3),
            Column("email", drop=2),
            Column("role"),
            Column("signs_in_with", drop=1),
            Column("disabled_at"),
        ]
        print_documents(columns, found.document()["users"])


@app.command()
def disable(login: Login, as_json: AsJson = False) -> None:
    """Shut a user out, at once, and end his or her sessions."""
    context, people = manage_people()
    _print_changed(people.change(login, disabled=True, actor=context.actor).document(), as_json=as_json)


@app.command()
def enable(login: Login, as_json: AsJson = False) -> None:
    """Let a user sign in again."""
    context, people = manage_people()
    _print_changed(people.change(login, disabled=False, actor=context.actor).document(), as_json=as_json)


@app.command()
def role(
    login: Login,
    role: Annotated[RoleName, typer.Argument(help="What he or she may do from now on.")],
    as_json: AsJson = False,
) -> None:
    """Give a user another role; it counts from the next request on."""
    context, people = manage_people()
    _print_changed(people.change(login, role=Role[role.upper()], actor=context.actor).document(), as_json=as_json)


@app.command("reset-password")
def reset_password(login: Login, as_json: AsJson = False) -> None:
    """Replace a password by a one-time one and print it, once; the user's sessions end."""
    context, people = manage_people()
    _print_once(login, people.reset_password(login, actor=context.actor), as_json=as_json)


@app.command("sign-out")
def sign_out(login: Login, as_json: AsJson = False) -> None:
    """End all sessions of a user."""
    context, people = manage_people()
    ended = people.sign_out(login, actor=context.actor)
    if as_json:
        print_json({"login": login, "sessions_ended": ended})
    else:
        err.print(f"{plural(ended, 'session')} of {login} ended.")


def _print_once(login: str, password: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"login": login.strip().lower(), "one_time_password": password})
    else:
        err.print(f"One-time password of {login}; it is not shown again.")
        console.print(password)


def _print_changed(user: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(user)
    else:
        state = "disabled" if user["disabled_at"] else "enabled"
        err.print(f"{user['login']} is {user['role']}, {state}.")
