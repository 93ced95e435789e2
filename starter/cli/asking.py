"""What the commands that decide have in common: reasons, questions, claims."""

import sys

import typer

from credit.plain_text import NotPlainTextError, plain
from credit.reason import given
from starter.cli.commands import Answer
from starter.cli.desk_client import DeskClient, Document
from starter.cli.output import err


def require_text(reason: str) -> str:
    """Return a reason; a blank one is refused.

    Raises:
        BadParameter: it is blank.
    """
    try:
        return given(reason)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--reason") from None


def require_answers(reason: str | None, *, yes: bool, revision: int | None) -> None:
    """Refuse a decision that nobody can be asked about and that does not say all that is needed.

    Raises:
        BadParameter: the text says what is missing.
    """
    if yes and revision is None:
        raise typer.BadParameter("--yes needs the revision you decided on, as it was shown", param_hint="--revision")
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody to ask here: give --yes --revision N", param_hint="--yes")
    if yes or reason is not None:
        require_text(reason or "")


def confirmed(question: str, *, no: str = "Nothing was decided.") -> bool:
    """Ask; after a no, say that nothing was done."""
    if typer.confirm(question, err=True):
        return True
    err.print(no)
    return False


def may_block(desk: DeskClient, customer: str, tariffs: list[str] | None, *, yes: bool) -> bool:
    """Say what a block by hand does and skips, and ask; without a terminal nobody is there to ask."""
    if yes or not sys.stdin.isatty():
        return True
    for effect in desk.get("customers", customer, "credit-hold-entries", "effects", tariff=tariffs)["effects"]:
        err.print(f"  • {effect}")
    err.print(f"The proper road: `hold start {customer}`.")
    return confirmed("Block by hand?", no="Nothing was blocked.")


def reason_or_ask(reason: str | None) -> str:
    """Return the reason given, or ask until there is one."""
    while not (reason or "").strip():
        try:
            reason = plain(typer.prompt("Why?", err=True))
        except NotPlainTextError as error:
            err.print(f"Again, please: {error}.")
    return reason or ""


def claimed(claim: Document) -> Answer:
    yield claim
    err.print(f"Yours until {claim['expires_at'][11:19]} UTC, at revision {claim['revision']}.")
