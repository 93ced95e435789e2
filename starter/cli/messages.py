"""`hold messages …`: drafted e-mails."""

from typing import Annotated

import typer
from rich.text import Text

from credit.plain_text import NotPlainTextError, plain
from credit.states import MessageStatus, MessageVerdict, TextFormat
from starter.cli import asking, message_pages
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.errors import RefusedError
from starter.cli.options import Asked, Revision, Why, Yes
from starter.cli.output import err, print_list, print_page, say_unreadable

app = Commands(no_args_is_help=True, help="Drafted e-mails: read, edit, approve, recall.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The message's id.")]


@app.command("list")
def list_messages(
    name: Annotated[str | None, typer.Argument(metavar="[HOLD]", help="Only those of this hold or customer.")] = None,
    status: Annotated[
        MessageStatus | None, typer.Option("--status", help="Only these; unsent ones by default.")
    ] = None,
) -> Answer:
    """List messages: the unsent ones, those in one status, or all of one hold."""
    desk = open_desk()
    if name is None:
        document = desk.whole_list("messages", status=status)
        rows, unreadable = document["messages"], document["unreadable"]
    else:
        unreadable = []
        rows = [row for row in desk.get("holds", name)["messages"] if status in (None, row["status"])]
    yield {"messages": rows, "unreadable": unreadable}
    print_list(message_pages.COLUMNS, rows, none="No messages.")
    say_unreadable(unreadable)


@app.command()
def show(message: Id) -> Answer:
    """Show one message: its text, and where it stands."""
    return _print(open_desk().get("messages", message))


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
) -> Answer:
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
    return _print(edited)


@app.command()
def claim(message: Id) -> Answer:
    """Claim a message, so that nobody else changes or decides it while you look."""
    return asking.claimed(open_desk().post("messages", message, "claim"))


@app.command()
def approve(message: Id, reason: Asked = None, yes: Yes = False, revision: Revision = None) -> Answer:
    """Approve the revision shown: claims it, shows it, asks. It leaves after its cooling-off."""
    return _decide(message, MessageVerdict.APPROVE, reason=reason, yes=yes, revision=revision)


@app.command()
def discard(message: Id, reason: Asked = None, yes: Yes = False, revision: Revision = None) -> Answer:
    """Discard a message: claims it, shows it, asks. It is never sent."""
    return _decide(message, MessageVerdict.DISCARD, reason=reason, yes=yes, revision=revision)


@app.command()
def recall(message: Id, reason: Why) -> Answer:
    """Take an approval back before the message leaves."""
    return _print(open_desk().post("messages", message, "recall", reason=reason))


@app.command()
def arrived(message: Id, reason: Why) -> Answer:
    """Say that a message arrived whose answer was lost: it counts as sent."""
    return _print(open_desk().post("messages", message, "delivery", arrived=True, reason=reason))


@app.command("not-arrived")
def not_arrived(message: Id, reason: Why) -> Answer:
    """Say that a message did not arrive whose answer was lost: it is sent again."""
    return _print(open_desk().post("messages", message, "delivery", arrived=False, reason=reason))


@app.command()
def retry(message: Id, reason: Why) -> Answer:
    """Try again now to send a message that the mail server refused or put off."""
    return _print(open_desk().post("messages", message, "delivery", "retry", reason=reason))


def _decide(message: str, verdict: MessageVerdict, *, reason: str | None, yes: bool, revision: int | None) -> Answer:
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
    yield decided
    if verdict is MessageVerdict.APPROVE:
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


def _print(document: Document) -> Answer:
    yield document
    print_page(message_pages.message(document))
