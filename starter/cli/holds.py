"""`hold start | list | show | claim | approve | decline | retry`."""

import asyncio
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from credit.permissions import Permission, Role
from credit.states import Beat, HoldStatus, Verdict
from db.engine import transaction
from db.repositories import holds
from starter import documents
from starter.cli import pages
from starter.cli.context import Context, open_context
from starter.cli.output import console, err, print_json
from starter.operations import ApprovedFirst, Decided, Operations

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]
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
    app.command("retry")(retry)


def start(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    reason: Annotated[str, typer.Option("--reason", help="Why a hold should be considered.")],
    trigger: Annotated[ManualTrigger, typer.Option("--trigger", help="Where this comes from.")] = ManualTrigger.MANUAL,
    as_json: Json = False,
) -> None:
    """Propose a hold. Nothing happens to the customer before somebody approves it."""
    del trigger  # the only one a person may give
    context = open_context()
    context.require(Permission.START_HOLD)
    _require_text(reason)

    async def run() -> None:
        started = await (await context.operations()).start_hold(customer, reason=reason, actor=context.actor)
        with transaction(context.engine) as session:
            hold = documents.whole(session, holds.find(session, str(started.hold_id)), datetime.now(UTC))
        if as_json:
            keys = ("id", "customer_id", "status", "revision")
            print_json({**{key: hold[key] for key in keys}, "created": started.created})
            return
        what = "proposed" if started.created else "already open; your reason was added as evidence to"
        err.print(f"{'Hold' if started.created else 'A hold is'} {what} {hold['customer_name']}.", markup=False)
        console.print(pages.hold(hold))

    asyncio.run(run())


def list_holds(
    status: Annotated[HoldStatus | None, typer.Option("--status", help="Only these; open ones by default.")] = None,
    as_json: Json = False,
) -> None:
    """List holds: the open ones, or those in one status."""
    context = open_context()
    context.require(Permission.LOOK)
    with transaction(context.engine) as session:
        document = documents.hold_list(session, holds.listed(session, status))
    if as_json:
        print_json(document)
    elif document["holds"]:
        console.print(pages.hold_table(document["holds"], datetime.now(UTC)))
    else:
        err.print(f"No holds {status}." if status else "No open holds.")


def show(name: Name, as_json: Json = False) -> None:
    """Show one hold whole: what, why, how much, its beats, its messages and its life so far."""
    context = open_context()
    context.require(Permission.LOOK)
    document = _read(context, name)
    if as_json:
        print_json(document)
    else:
        console.print(pages.hold(document))


def claim(name: Name, as_json: Json = False) -> None:
    """Claim a proposal, so that nobody else decides it while you look."""
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        held, proposal = await (await context.operations()).claim(name, actor=context.actor)
        if as_json:
            expires = documents.utc(held.expires_at)
            print_json({"claim": str(held.id), "revision": proposal.revision, "expires_at": expires})
        else:
            err.print(f"Yours until {held.expires_at:%H:%M:%S} UTC, at revision {proposal.revision}.")

    asyncio.run(run())


def approve(
    name: Name, reason: Reason = None, yes: Yes = False, revision: Revision = None, as_json: Json = False
) -> None:
    """Approve a proposal: claims it, shows it, asks, decides."""
    _decide(name, Verdict.APPROVE, reason=reason, yes=yes, revision=revision, as_json=as_json)


def decline(
    name: Name, reason: Reason = None, yes: Yes = False, revision: Revision = None, as_json: Json = False
) -> None:
    """Decline a proposal: claims it, shows it, asks, decides. Automatic triggers are snoozed for a while."""
    _decide(name, Verdict.DECLINE, reason=reason, yes=yes, revision=revision, as_json=as_json)


def retry(
    name: Name,
    beat: Annotated[Beat | None, typer.Option("--beat", help="One beat; every unfinished one by default.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What was mended, for the record.")] = "",
    as_json: Json = False,
) -> None:
    """Try unfinished beats again now: after mending what they need, or instead of waiting for the next try."""
    context = open_context()
    context.require(Permission.RETRY_BEAT)

    async def run() -> None:
        operations = await context.operations()
        wanted = await operations.retry_beat(name, beat=beat, actor=context.actor, reason=reason)
        if as_json:
            print_json({"id": _read(context, name)["id"], "beats": wanted})
        else:
            err.print(f"Trying again: {', '.join(wanted)}. Watch it with `hold show {name}`.", markup=False)

    asyncio.run(run())


def _read(context: Context, name: str) -> documents.Document:
    with transaction(context.engine) as session:
        return documents.whole(session, holds.find(session, name), datetime.now(UTC))


def _require_text(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("say why; it is kept with the decision", param_hint="--reason")


def _decide(name: str, verdict: Verdict, *, reason: str | None, yes: bool, revision: int | None, as_json: bool) -> None:
    if yes and revision is None:
        raise typer.BadParameter("--yes needs the revision you decided on: see `hold show`", param_hint="--revision")
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody to ask here: give --yes --revision N", param_hint="--yes")
    if yes or reason is not None:
        _require_text(reason or "")
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        operations = await context.operations()
        held, proposal = await operations.claim(name, actor=context.actor)
        seen, why = revision, reason
        if not yes:
            seen = proposal.revision
            why = await _ask(operations, context, name, verdict, reason, held.id)
        if seen is None or why is None:
            return
        decided = await operations.decide(
            name,
            claim_id=held.id,
            revision=seen,
            verdict=verdict,
            reason=why,
            actor=context.actor,
            is_admin=context.caller.role is Role.ADMIN,
        )
        _say_decided(name, decided, as_json=as_json)

    asyncio.run(run())


def _say_decided(name: str, decided: Decided | ApprovedFirst, *, as_json: bool) -> None:
    decision_id = str(decided.decision_id) if isinstance(decided, Decided) else None
    if isinstance(decided, Decided) and not decided.delivered:
        err.print("Recorded. Temporal is away: the relay delivers it when it is back.")
    if as_json:
        print_json({"id": str(decided.hold_id), "decision_id": decision_id, "status": decided.status})
    elif decision_id is None:
        err.print("Noted. Above this amount a second person has to approve too.")
    else:
        err.print(f"{decided.status.capitalize()}. Watch it with `hold show {name}`.", markup=False)


async def _ask(
    operations: Operations, context: Context, name: str, verdict: Verdict, reason: str | None, claim_id: UUID
) -> str | None:
    """Show the proposal and ask; gives the reason, or None after a no (and gives the claim back)."""
    err.print(pages.hold(_read(context, name)))
    if not typer.confirm(f"{verdict.capitalize()} this?", err=True):
        await operations.release_claim(claim_id, actor=context.actor)
        err.print("Nothing was decided.")
        return None
    while not (reason or "").strip():
        reason = typer.prompt("Why?", err=True)
    return reason
