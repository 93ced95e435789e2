"""`hold messages …`: drafted e-mails."""

from typing import Annotated

import typer
from rich.text import Text

from credit.plain_text import NotPlainTextError, plain
from credit.states import MessageStatus, MessageVerdict, TextFormat
from starter.cli import asking, message_pages
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.errors import RefusedError
from starter.cli.output import err, print_json, print_page, print_table, say_unreadable

app = typer.Typer(no_args_is_help=True, help="Drafted e-mails: read, edit, approve, recall.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The message's id.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; needs --revision.")]
Revision = Annotated[int | None, typer.Option("--revision", min=1, help="The revision you were shown.")]


@app.command("list")
def list_messages(
    name: Annotated[str | None, typer.Argument(metavar="[HOLD]", help="Only those of this hold or customer.")] = None,
    status: Annotated[
        MessageStatus | None, typer.Option("--status", help="Only these; unsent ones by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List messages: the unsent ones, those in one status, or all of one hold."""
    desk = open_desk()
    if name is None:
        document = desk.whole_list("messages", status=status)
        rows, unreadable = document["messages"], document["unreadable"]
    else:
        unreadable = []
        rows = [row for row in desk.get("holds", name)["messages"] if status in (None, row["status"])]
    if as_json:
        print_json({"messages": rows, "unreadable": unreadable})
        return
    if rows:
        print_table(message_pages.message_table(rows))
    else:
        err.print("No messages.")
    say_unreadable(unreadable)


@app.command()
def show(message: Id, as_json: Json = False) -> None:
    """Show one message: its text, and where it stands."""
    _print(open_desk().get("messages", message), as_json=as_json)


@app.command()
def edit(
    message: Id,
    subject: Annotated[str | None, typer.Option("--subject", help="The new subject.")] = None,
    body_file: Annotated[
        typer.FileText | None, typer.Option("--body-file", encoding="utf-8", help="A file with the text; - for stdin.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="The recipient's address.")] = None,
    text_format: Annotated[TextFormat | None, typer.Option("--format", help="How the body is written.")] = None,
    revision: Revision = None,
    as_json: Json = False,
) -> None:
    """Write the next revision; what is not given stays as it is."""
    body = None if body_file is None else _text(body_file.read())
    if subject is None and body is None and to is None and text_format is None:
        raise typer.BadParameter("nothing to change: give --subject, --body-file, --to or --format")
    desk = open_desk()
    shown = desk.get("messages", message)
    try:
        edited = desk.put(
            "messages",
            message,
            revision=shown["revision"] if revision is None else revision,
            subject=shown["subject"] if subject is None else subject,
            body=shown["body"] if body is None else body,
            recipient=shown["recipient"] if to is None else to,
            format=shown["format"] if text_format is None else text_format,
        )
    except RefusedError as error:
        _show_difference(error)
        raise
    _print(edited, as_json=as_json)


@app.command()
def claim(message: Id, as_json: Json = False) -> None:
    """Claim a message, so that nobody else changes or decides it while you look."""
    asking.say_claimed(open_desk().post("messages", message, "claim"), as_json=as_json)


@app.command()
def approve(
    message: Id, reason: Reason = None, yes: Yes = False, revision: Revision = None, as_json: Json = False
) -> None:
    """Approve the revision shown: claims it, shows it, asks. It leaves after its cooling-off."""
    _decide(message, MessageVerdict.APPROVE, reason=reason, yes=yes, revision=revision, as_json=as_json)


@app.command()
def discard(
    message: Id, reason: Reason = None, yes: Yes = False, revision: Revision = None, as_json: Json = False
) -> None:
    """Discard a message: claims it, shows it, asks. It is never sent."""
    _decide(message, MessageVerdict.DISCARD, reason=reason, yes=yes, revision=revision, as_json=as_json)


@app.command()
def recall(message: Id, reason: Why, as_json: Json = False) -> None:
    """Take an approval back before the message leaves."""
    asking.require_text(reason)
    _print(open_desk().post("messages", message, "recall", reason=reason), as_json=as_json)


@app.command()
def arrived(message: Id, reason: Why, as_json: Json = False) -> None:
    """Say that a message arrived whose answer was lost: it counts as sent."""
    asking.require_text(reason)
    _print(open_desk().post("messages", message, "delivery", arrived=True, reason=reason), as_json=as_json)


@app.command("not-arrived")
def not_arrived(message: Id, reason: Why, as_json: Json = False) -> None:
    """Say that a message did not arrive whose answer was lost: it is sent again."""
    asking.require_text(reason)
    _print(open_desk().post("messages", message, "delivery", arrived=False, reason=reason), as_json=as_json)


@app.command()
def retry(message: Id, reason: Why, as_json: Json = False) -> None:
    """Try again now to send a message that the mail server refused or put off."""
    asking.require_text(reason)
    _print(open_desk().post("messages", message, "delivery", "retry", reason=reason), as_json=as_json)


def _decide(
    message: str, verdict: MessageVerdict, *, reason: str | None, yes: bool, revision: int | None, as_json: bool
) -> None:
    asking.require_answers(reason, yes=yes, revision=revision)
    desk = open_desk()
    held = desk.post("messages", message, "claim")
    if not yes:
        print_page(message_pages.message(desk.get("messages", message)), to=err)
        if not asking.confirmed(f"{verdict.capitalize()} this?"):
            desk.delete("messages", message, "claim", held["claim"])
            return
    try:
        decided = desk.post(
            "messages",
            message,
            "decision",
            claim=held["claim"],
            revision=held["revision"] if revision is None else revision,
            decision=verdict,
            reason=asking.reason_or_ask(reason),
        )
    except RefusedError as error:
        _show_difference(error)
        raise
    if as_json:
        print_json(decided)
    elif verdict is MessageVerdict.APPROVE:
        err.print(f"Approved. It leaves after {decided['send_after']}; `hold messages recall {message}` takes it back.")
    else:
        err.print("Discarded.")


def _text(body: str) -> str:
    try:
        return plain(body)
    except NotPlainTextError as error:
        raise typer.BadParameter(f"the text cannot be kept: {error}", param_hint="--body-file") from None


def _show_difference(error: RefusedError) -> None:
    for line in error.members.get("difference", "").splitlines():
        err.print(Text(line, {"+": "green", "-": "red"}.get(line[:1], "")))


def _print(document: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        print_page(message_pages.message(document))
