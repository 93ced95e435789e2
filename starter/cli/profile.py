"""`hold profile show | set`: a customer's credit status and credit limit."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from credit.credit_hold import CreditStatus
from credit.typed_number import typed_number
from starter.cli import asking
from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.options import Customer, DontAsk, Reason
from starter.cli.output import Table, err, facts, figure, print_table

app = Commands(no_args_is_help=True, help="Accounting profiles: credit status and credit limit.")

NO_LIMIT = "none"

_CENT = Decimal("0.01")


@app.command()
def show(customer: Customer) -> Answer:
    """Show a customer's credit status, limit and exposure, with what blocks it."""
    document = open_desk().get("customers", customer, "accounting-profile")
    yield document
    print_table(_table(document))


@app.command("set")
def set_profile(
    customer: Customer,
    status: Annotated[CreditStatus | None, typer.Option("--status", help="The credit status.")] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="AMOUNT", help=f"The credit limit; `{NO_LIMIT}` for none.")
    ] = None,
    reason: Reason = "",
    yes: DontAsk = False,
) -> Answer:
    """Change the credit status, the credit limit, or both.

    Into credit hold is a block by hand: on a terminal it says what that skips, and asks.
    Out of credit hold while the limit is exceeded is an override. A service hold's block stays until its release.
    """
    changes: dict[str, Any] = {} if status is None else {"credit_status": status}
    if limit is not None:
        changes["credit_limit"] = None if limit.lower() == NO_LIMIT else _amount(limit)
    if not changes:
        raise typer.BadParameter("nothing to change: give --status, --limit, or both", param_hint="--status")
    desk = open_desk()
    if status is CreditStatus.CREDIT_HOLD and not asking.may_block(desk, customer, None, yes=yes):
        return
    document = desk.put("customers", customer, "accounting-profile", **changes, reason=reason)
    yield document
    limits = document["credit_limit"] or "no limit"
    err.print(f"Customer {customer}: {document['credit_status_label']}, credit limit {limits}.")
    if "release" in document:
        say_release(document["release"])


def say_release(release: Document) -> None:
    """Say what became of the release of a service hold whose block was met."""
    what = "is approved: the block goes with it" if release["status"] == "approved" else "waits for an approver"
    err.print(f"The release of service hold {release['hold_id']} {what}.")


def _amount(text: str) -> Decimal:
    try:
        amount = typed_number(text)
        sound = amount >= 0 and amount == amount.quantize(_CENT)
    except (ValueError, InvalidOperation):  # no number, or one of more digits than Decimal keeps
        sound = False
    if not sound:
        msg = f"{text!r} is no credit limit: an amount like 50000.00, not negative, or {NO_LIMIT}"
        raise typer.BadParameter(msg, param_hint="--limit")
    return amount


def _table(shown: Document) -> Table:
    made = facts()
    override = shown["override"]
    rows = {
        "Status": f"{shown['standing']['label']}: {shown['standing']['reason']}",
        "Also": "; ".join(shown["standing"]["also"]),
        "Credit status": shown["credit_status_label"],
        "Credit limit": figure(shown["credit_limit"]) or "none",
        "Exposure": figure(shown["exposure"]) or "not evaluated yet",
        "Available": figure(shown["available"]),
        "Limit state": shown["limit_state"] or "not evaluated yet",
        "Currency": shown["currency"],
        "Organisation": shown["organisation"],
        "Override": f"{override['by']}: {override['reason']}" if override else "",
    }
    for name, said in rows.items():
        if said:
            made.add(name, said)
    for number, entry in enumerate(shown["entries"]):
        made.add("" if number else "Blocked", _blocked(entry))
    return made


def _blocked(entry: Document) -> str:
    """Return what is blocked and why; a note that begins with its source, as ours do, needs no other word of it."""
    source, note = entry["source"].replace("_", " "), entry["note"]
    return f"{entry['label']}: {note}" if note.startswith(source) else f"{entry['label']} ({source}): {note}"
