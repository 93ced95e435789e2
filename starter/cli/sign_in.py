"""`hold sign-in`, `sign-out`, `who`: in whose name the commands act."""

import socket
import sys
import webbrowser
from time import monotonic, sleep
from typing import Annotated

import typer

from credit.plain_text import kept
from starter.cli import sign_ins
from starter.cli.commands import Answer, Commands
from starter.cli.context import credential_of, desk_of, desk_url, read_settings
from starter.cli.desk_client import DeskClient, Document
from starter.cli.errors import RefusedError, UnreachableError
from starter.cli.output import err, minute
from starter.cli.sign_ins import SignIn

app = Commands()

Desk = Annotated[str | None, typer.Option("--desk", metavar="URL", help="Which desk (or HOLD_DESK_URL).")]

_SLOWER = 5
"""Seconds that each `slow_down` adds to the interval (RFC 8628, section 3.5)."""


@app.command("sign-in")
def sign_in(
    *,
    desk: Desk = None,
    days: Annotated[int | None, typer.Option(min=1, max=90, help="How long it lasts; 12 hours by default.")] = None,
    web: Annotated[bool, typer.Option("--web", help="Open the desk's page in a browser.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Take an API token from standard input instead.")] = False,
) -> Answer:
    """Sign in: confirm a code at the desk, and the commands act in your name from then on."""
    url = desk_url(desk)
    secret = _typed_token() if token else _confirmed(DeskClient(url), days, web=web)
    me = DeskClient(url, secret).get("me")
    sign_ins.keep(url, SignIn(secret, me["name"]))
    yield {"desk": url} | me
    err.print(f"Signed in as {_described(me)}.")
    settings = read_settings()
    if settings.token is not None:
        err.print("HOLD_TOKEN is set and goes first: unset it to act as who signed in.")
    if settings.desk_url.rstrip("/") != url:
        err.print(f"For the other commands set HOLD_DESK_URL={url}", soft_wrap=True)


@app.command("sign-out")
def sign_out(*, desk: Desk = None) -> Answer:
    """Revoke and forget the token by which you are signed in here."""
    url, left = desk_url(desk), ""
    try:
        there = sign_ins.read(url)
        if there is not None:
            DeskClient(url, there.token).delete("me", "token")
    except (RefusedError, UnreachableError) as error:
        left = str(error)
    if not sign_ins.forget(url):
        raise RefusedError(f"nobody is signed in here at {url}", "not_signed_in")
    yield {"desk": url, "revoked": not left, "why": left}
    err.print(f"Signed out here. The desk did not revoke the token: {left}" if left else "Signed out.", soft_wrap=True)


@app.command()
def who() -> Answer:
    """Say in whose name the commands act, and by what."""
    settings = read_settings()
    desk, credential = desk_of(settings), credential_of(settings)
    me = desk.get("me")
    yield {"desk": settings.desk_url, "credential": credential.kind} | me
    err.print(f"{_described(me)}, at {settings.desk_url}, by {credential.words}.", soft_wrap=True)


def _typed_token() -> str:
    """Return the token that is typed or piped in: never an argument, which every user of the machine can read."""
    typed = typer.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not typed.strip():
        raise typer.BadParameter("there is none on standard input", param_hint="--token")
    return str(typed).strip()


def _confirmed(desk: DeskClient, days: int | None, *, web: bool) -> str:
    """Return the token of who confirms the code at the desk.

    Raises:
        RefusedError: he denied it, or nobody did in time.
    """
    begun = desk.post("device-codes", client_name=kept(f"hold on {socket.gethostname()}")[:80], token_days=days)
    err.print(f"Open {begun['verification_uri']}\nin any browser, sign in there, and enter the code\n", soft_wrap=True)
    err.print(f"    {begun['user_code']}\n\nWaiting; it is valid for {begun['expires_in'] // 60} minutes.")
    if web:
        webbrowser.open(begun["verification_uri_complete"])
    interval, ends = begun["interval"], monotonic() + begun["expires_in"]
    while True:
        sleep(interval)
        try:
            return str(desk.post("device-tokens", device_code=begun["device_code"])["access_token"])
        except RefusedError as error:
            if error.code not in {"authorization_pending", "slow_down"}:
                raise
            interval += _SLOWER if error.code == "slow_down" else 0
        except UnreachableError:
            if monotonic() > ends:
                raise


def _described(me: Document) -> str:
    until = f" until {minute(me['expires_at'])} UTC" if me.get("expires_at") else ""
    return f"{me['name']} ({me['role']}){until}"
