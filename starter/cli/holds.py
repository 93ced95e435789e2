"""`hold start | list | show | claim | approve | decline | undo | retry | skip | cancel`.

Through the desk, where one is configured.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from credit.permissions import Permission
from credit.states import Beat, HoldStatus, Verdict
from services.answers import Document
from starter.cli import asking, bulk, pages
from starter.cli.context import open_context
from starter.cli.output import err, print_json, print_page, print_table, say_unreadable

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
OneBeat = Annotated[Beat, typer.Option("--beat", help="Which beat.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; needs --revision.")]
Revision = Annotated[int | None, typer.Option("--revision", help="The revision you decided on, as shown.")]


class ManualTrigger(StrEnum):
    """What a person may give as the trigger."""

    MANUAL = "manual"


def add_to(app: typer.Typer) -> None:
    """Add the commands about holds."""
    app.command("start")(start)
    app.command("list")(list_holds)
    app.command("show")(show)
    app.command("claim")(claim)
    app.command("approve")(approve)
    app.command("decline")(decline)
    app.command("undo")(undo)
    app.command("retry")(retry)
    app.command("skip")(skip)
    app.command("cancel")(cancel)


def start(
    customer: Annotated[str | None, typer.Argument(help="The customer's id.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why a hold should be considered.")] = None,
    trigger: Annotated[ManualTrigger, typer.Option("--trigger", help="Where this comes from.")] = ManualTrigger.MANUAL,
    file: bulk.FromFile = None,
    dry_run: bulk.DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --from: don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Propose a hold. Nothing happens to the customer before somebody approves it."""
    del trigger  # the only one a person may give
    name, why = bulk.one_or_file(customer, reason, file, yes=yes, dry_run=dry_run)
    context = open_context()
    if file is not None:
        context.require(Permission.START_HOLD)
        bulk.start(context, file, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    asking.require_text(why)
    desk = context.desk
    started = desk.start(name, reason=why)
    if as_json:
        print_json(started)
        return
    hold = desk.hold(started["id"])
    created = started["created"]
    what = "proposed" if created else "already open; your reason was added as evidence to"
    err.print(f"{'Hold' if created else 'A hold is'} {what} {hold['customer_name']}.")
    print_page(pages.hold(hold))


def list_holds(
    status: Annotated[HoldStatus | None, typer.Option("--status", help="Only these; open ones by default.")] = None,
    as_json: Json = False,
) -> None:
    """List holds: the open ones, or those in one status."""
    document = open_context().desk.holds(status)
    if as_json:
        print_json(document)
        return
    if document["holds"]:
        print_table(pages.hold_table(document["holds"], datetime.now(UTC)))
    else:
        err.print(f"No holds {status}." if status else "No open holds.")
    say_unreadable(document["unreadable"])


def show(name: Name, as_json: Json = False) -> None:
    """Show one hold whole: what, why, how much, its beats, its messages and its life so far."""
    document = open_context().desk.hold(name)
    if as_json:
        print_json(document)
    else:
        print_page(pages.hold(document))


def claim(name: Name, as_json: Json = False) -> None:
    """Claim a proposal, so that nobody else decides it while you look."""
    asking.say_claimed(open_context().desk.claim(name), as_json=as_json)


def approve(
    name: Name, reason: Reason = None, yes: Yes = False, revision: Revision = None, as_json: Json = False
) -> None:
    """Approve a proposal: claims it, shows it, asks, decides."""
    _decide(name, Verdict.APPROVE, reason=reason, yes=yes, revision=revision, as_json=as_json)


def decline(
    name: Name,
    reason: Reason = None,
    yes: Yes = False,
    revision: Revision = None,
    lift_block: Annotated[
        bool,
        typer.Option("--lift-block", help="Also lift the credit hold that auto-apply made; it stays by default."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Decline a proposal: claims it, shows it, asks, decides. Automatic triggers are snoozed for a while."""
    keep = not lift_block
    _decide(name, Verdict.DECLINE, reason=reason, yes=yes, revision=revision, keep_block=keep, as_json=as_json)


def undo(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    as_json: Json = False,
) -> None:
    """Take an approval back, while the policy allows it; the proposal is open again."""
    asking.require_text(reason)
    document = open_context().desk.undo(name, reason=reason)
    if as_json:
        print_json(document)
    else:
        err.print(f"Taken back. The proposal is open again, at revision {document['revision']}.")


def retry(
    name: Name,
    beat: Annotated[Beat | None, typer.Option("--beat", help="One beat; every unfinished one by default.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What was mended, for the record.")] = "",
    as_json: Json = False,
) -> None:
    """Try unfinished beats again now: after mending what they need, or instead of waiting for the next try."""
    document = open_context().desk.retry(name, beat=beat, reason=reason)
    if as_json:
        print_json(document)
    else:
        again = ", ".join(document["beats"])
        err.print(f"Trying again: {again}. Watch it with `hold show {name}`.")


def skip(name: Name, beat: OneBeat, reason: Why, as_json: Json = False) -> None:
    """End an unfinished beat undone: the hold goes on without it."""
    asking.require_text(reason)
    document = open_context().desk.skip(name, beat=beat, reason=reason)
    if as_json:
        print_json(document)
    else:
        err.print(f"Skipped: {beat}. The hold goes on without it.")


def cancel(name: Name, beat: OneBeat, reason: Why, as_json: Json = False) -> None:
    """Stop trying an unfinished beat until somebody retries it."""
    asking.require_text(reason)
    document = open_context().desk.cancel(name, beat=beat, reason=reason)
    if as_json:
        print_json(document)
    else:
        err.print(f"Stopped: {beat}. `hold retry {name} --beat {beat}` tries it again.")


def _decide(
    name: str,
    verdict: Verdict,
    *,
    reason: str | None,
    yes: bool,
    revision: int | None,
    as_json: bool,
    keep_block: bool = True,
) -> None:
    asking.require_answers(reason, yes=yes, revision=revision)
    desk = open_context().desk
    held, seen = desk.claim(name), None
    if not yes:
        shown = desk.hold(name)
        seen = shown["proposal"].get("evidence_count")
        print_page(pages.hold(shown), to=err)
        for effect in pages.effects(shown, verdict):
            err.print(effect)
        if not asking.confirmed(f"{verdict.capitalize()} this?"):
            desk.release_claim(name, held["claim"])
            return
    decided = desk.decide(
        name,
        claim=held["claim"],
        revision=held["revision"] if revision is None else revision,
        verdict=verdict,
        reason=asking.reason_or_ask(reason),
        keep_block=keep_block,
        evidence_seen=seen,
    )
    _say_decided(name, decided, as_json=as_json)


def _say_decided(name: str, decided: Document, *, as_json: bool) -> None:
    if decided["decision_id"] is not None and not decided["delivered"]:
        err.print("Recorded. Temporal is away: the relay delivers it when it is back.")
    if as_json:
        print_json(decided)
    elif decided["decision_id"] is None:
        err.print("Noted. Above this amount a second person has to approve too.")
    else:
        err.print(f"{decided['status'].capitalize()}. Watch it with `hold show {name}`.")
