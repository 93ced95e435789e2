"""`hold start | list | show | claim | approve | decline | undo | retry | skip | cancel`."""

from typing import Annotated, Literal

import typer

from credit.states import Beat, HoldStatus, Verdict
from credit.wording import words
from starter.cli import asking, bulk, pages
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Asked, HoldOrCustomer, Revision, Why, Yes
from starter.cli.output import err, print_list, print_page, say_unreadable

app = Commands()

OneBeat = Annotated[Beat, typer.Option("--beat", help="Which beat.")]


@app.command()
def start(
    customer: Annotated[str | None, typer.Argument(help="The customer's id.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why a hold should be considered.")] = None,
    trigger: Annotated[Literal["manual"], typer.Option("--trigger", help="Where this comes from.")] = "manual",
    file: bulk.FromFile = None,
    dry_run: bulk.DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --from: don't ask.")] = False,
) -> Answer:
    """Propose a hold. Nothing happens to the customer before somebody approves it."""
    del trigger  # the only one a person may give
    name, why = bulk.one_or_file(customer, reason, file, yes=yes, dry_run=dry_run)
    if file is not None:
        yield from bulk.propose("holds", "Propose a hold", file, yes=yes, dry_run=dry_run)
        return
    desk = open_desk()
    started = desk.post("holds", customer_id=name, trigger="manual", reason=why)
    yield started
    hold = desk.get("holds", started["id"])
    created = started["created"]
    what = "proposed" if created else "already open; your reason was added as evidence to"
    err.print(f"{'Hold' if created else 'A hold is'} {what} {hold['customer_name']}.")
    print_page(pages.hold(hold))


@app.command("list")
def list_holds(
    status: Annotated[HoldStatus | None, typer.Option("--status", help="Only these; open ones by default.")] = None,
) -> Answer:
    """List holds: the open ones, or those in one status."""
    document = open_desk().whole_list("holds", status=status)
    yield document
    print_list(pages.COLUMNS, document["holds"], none=f"No holds {words(status)}." if status else "No open holds.")
    say_unreadable(document["unreadable"])


@app.command()
def show(name: HoldOrCustomer) -> Answer:
    """Show one hold whole: what, why, how much, its beats, its messages and its life so far."""
    document = open_desk().get("holds", name)
    yield document
    print_page(pages.hold(document))


@app.command()
def claim(name: HoldOrCustomer) -> Answer:
    """Claim a proposal, so that nobody else decides it while you look."""
    return asking.claimed(open_desk().post("holds", name, "claim"))


@app.command()
def approve(name: HoldOrCustomer, reason: Asked = None, yes: Yes = False, revision: Revision = None) -> Answer:
    """Approve a proposal: claims it, shows it, asks, decides."""
    return _decide(name, Verdict.APPROVE, reason=reason, yes=yes, revision=revision)


@app.command()
def decline(
    name: HoldOrCustomer,
    reason: Asked = None,
    yes: Yes = False,
    revision: Revision = None,
    lift_block: Annotated[
        bool, typer.Option("--lift-block", help="Also lift the credit hold that auto-apply made; it stays by default.")
    ] = False,
) -> Answer:
    """Decline a proposal: claims it, shows it, asks, decides. Automatic triggers are snoozed for a while."""
    keep = not lift_block
    return _decide(name, Verdict.DECLINE, reason=reason, yes=yes, revision=revision, keep_block=keep)


@app.command()
def undo(name: HoldOrCustomer, reason: Why) -> Answer:
    """Take an approval back, while the policy allows it; the proposal is open again."""
    document = open_desk().post("holds", name, "undo", reason=reason)
    yield document
    err.print(f"Taken back. The proposal is open again, at revision {document['revision']}.")


@app.command()
def retry(
    name: HoldOrCustomer,
    beat: Annotated[Beat | None, typer.Option("--beat", help="One beat; every unfinished one by default.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What was mended, for the record.")] = "",
) -> Answer:
    """Try unfinished beats again now: after mending what they need, or instead of waiting for the next try."""
    document = open_desk().post("holds", name, "beats", *([beat] if beat else []), "retry", reason=reason)
    yield document
    again = ", ".join(document["beats"])
    err.print(f"Trying again: {again}. Watch it with `hold show {name}`.")


@app.command()
def skip(name: HoldOrCustomer, beat: OneBeat, reason: Why) -> Answer:
    """End an unfinished beat undone: the hold goes on without it."""
    document = open_desk().post("holds", name, "beats", beat, "skip", reason=reason)
    yield document
    err.print(f"Skipped: {beat}. The hold goes on without it.")


@app.command()
def cancel(name: HoldOrCustomer, beat: OneBeat, reason: Why) -> Answer:
    """Stop trying an unfinished beat until somebody retries it."""
    document = open_desk().post("holds", name, "beats", beat, "cancel", reason=reason)
    yield document
    err.print(f"Stopped: {beat}. `hold retry {name} --beat {beat}` tries it again.")


def _decide(
    name: str, verdict: Verdict, *, reason: str | None, yes: bool, revision: int | None, keep_block: bool = True
) -> Answer:
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
    if decided["decision_id"] is not None and not decided["delivered"]:
        err.print("Recorded. Temporal is away: the relay delivers it when it is back.")
    yield decided
    if decided["decision_id"] is None:
        err.print("Noted. Above this amount a second person has to approve too.")
    else:
        err.print(f"{decided['status'].capitalize()}. Watch it with `hold show {name}`.")
