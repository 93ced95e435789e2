"""`hold start | list | show | claim | approve | decline | undo | retry | skip | cancel`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from credit.states import Beat, HoldStatus, Verdict
from starter.cli import asking, bulk, pages
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import err, print_json, print_page, print_table, say_unreadable

app = typer.Typer()

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


@app.command()
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
    if file is not None:
        bulk.propose("holds", "Propose a hold", file, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    asking.require_text(why)
    desk = open_desk()
    started = desk.post("holds", customer_id=name, trigger="manual", reason=why)
    if as_json:
        print_json(started)
        return
    hold = desk.get("holds", started["id"])
    created = started["created"]
    what = "proposed" if created else "already open; your reason was added as evidence to"
    err.print(f"{'Hold' if created else 'A hold is'} {what} {hold['customer_name']}.")
    print_page(pages.hold(hold))


@app.command("list")
def list_holds(
    status: Annotated[HoldStatus | None, typer.Option("--status", help="Only these; open ones by default.")] = None,
    as_json: Json = False,
) -> None:
    """List holds: the open ones, or those in one status."""
    document = open_desk().whole_list("holds", status=status)
    if as_json:
        print_json(document)
        return
    if document["holds"]:
        print_table(pages.hold_table(document["holds"], datetime.now(UTC)))
    else:
        err.print(f"No holds {status}." if status else "No open holds.")
    say_unreadable(document["unreadable"])


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show one hold whole: what, why, how much, its beats, its messages and its life so far."""
    document = open_desk().get("holds", name)
    if as_json:
        print_json(document)
    else:
        print_page(pages.hold(document))


@app.command()
def claim(name: Name, as_json: Json = False) -> None:
    """Claim a proposal, so that nobody else decides it while you look."""
    asking.say_claimed(open_desk().post("holds", name, "claim"), as_json=as_json)


@app.command()
def approve(
    name: Name, reason: Reason = None, yes: Yes = False, revision: Revision = None, as_json: Json = False
) -> None:
    """Approve a proposal: claims it, shows it, asks, decides."""
    _decide(name, Verdict.APPROVE, reason=reason, yes=yes, revision=revision, as_json=as_json)


@app.command()
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


@app.command()
def undo(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    as_json: Json = False,
) -> None:
    """Take an approval back, while the policy allows it; the proposal is open again."""
    asking.require_text(reason)
    document = open_desk().post("holds", name, "undo", reason=reason)
    if as_json:
        print_json(document)
    else:
        err.print(f"Taken back. The proposal is open again, at revision {document['revision']}.")


@app.command()
def retry(
    name: Name,
    beat: Annotated[Beat | None, typer.Option("--beat", help="One beat; every unfinished one by default.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What was mended, for the record.")] = "",
    as_json: Json = False,
) -> None:
    """Try unfinished beats again now: after mending what they need, or instead of waiting for the next try."""
    document = open_desk().post("holds", name, "beats", *([beat] if beat else []), "retry", reason=reason)
    if as_json:
        print_json(document)
    else:
        again = ", ".join(document["beats"])
        err.print(f"Trying again: {again}. Watch it with `hold show {name}`.")


@app.command()
def skip(name: Name, beat: OneBeat, reason: Why, as_json: Json = False) -> None:
    """End an unfinished beat undone: the hold goes on without it."""
    asking.require_text(reason)
    document = open_desk().post("holds", name, "beats", beat, "skip", reason=reason)
    if as_json:
        print_json(document)
    else:
        err.print(f"Skipped: {beat}. The hold goes on without it.")


@app.command()
def cancel(name: Name, beat: OneBeat, reason: Why, as_json: Json = False) -> None:
    """Stop trying an unfinished beat until somebody retries it."""
    asking.require_text(reason)
    document = open_desk().post("holds", name, "beats", beat, "cancel", reason=reason)
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
    desk = open_desk()
    held, seen = desk.post("holds", name, "claim"), {}
    if not yes:
        shown = desk.get("holds", name)
        seen = {"evidence_seen": shown["proposal"]["evidence_count"]}
        print_page(pages.hold(shown), to=err)
        for effect in pages.effects(shown, verdict):
            err.print(effect)
        if not asking.confirmed(f"{verdict.capitalize()} this?"):
            desk.delete("holds", name, "claim", held["claim"])
            return
    decided = desk.post(
        "holds",
        name,
        "decision",
        claim=held["claim"],
        revision=held["revision"] if revision is None else revision,
        decision=verdict,
        reason=asking.reason_or_ask(reason),
        keep_block=keep_block,
        **seen,
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
