"""`hold org show | set`: what an organisation has chosen (freight spec, LSP Org Settings)."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.desk_client import Document
from starter.cli.output import Column, Table, err, print_table, table

app = Commands(no_args_is_help=True, help="What an organisation has chosen.")


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


@app.command()
def show(organisation: Annotated[str | None, typer.Option("--organisation", help="Only this one.")] = None) -> Answer:
    """Show the settings of every organisation, or of one."""
    desk = open_desk()
    if organisation is not None:
        document = desk.get("org-settings", organisation)
        rows = [document]
    else:
        document = desk.get("org-settings")
        rows = document["organisations"]
    yield document
    print_table(_table(rows))


@app.command("set")
def set_organisation(
    organisation: Annotated[str, typer.Option("--organisation", help="Whose settings.")] = "main",
    auto_apply: Annotated[
        Switch | None,
        typer.Option("--auto-apply", help="Credit hold by itself when a limit goes from acceptable to exceeded."),
    ] = None,
    auto_lift: Annotated[
        Switch | None, typer.Option("--auto-lift", help="Such a block goes by itself when the limit is met again.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="Of the content templates, like `en`.")] = None,
) -> Answer:
    """Change settings of an organisation. Nobody is put on hold by it: it counts from the next change of an amount."""
    switches = {"auto_apply_credit_hold": auto_apply, "auto_lift_credit_hold": auto_lift}
    changes: dict[str, Any] = {name: value is Switch.ON for name, value in switches.items() if value is not None}
    if language is not None:
        changes["language"] = language
    if not changes:
        raise typer.BadParameter("nothing to change: give --auto-apply, --auto-lift or --language")
    document = open_desk().put("org-settings", organisation, **changes)
    yield document
    err.print(f"Saved: version {document['version']} of the settings of {organisation}.")


def _table(rows: list[Document]) -> Table:
    made = table(
        Column("Organisation", wraps=12),
        "Auto apply",
        "Auto lift",
        Column("Language", drop=1),
        Column("Version", number=True, drop=2),
        Column("Changed by", drop=3),
    )
    for row in rows:
        switches = ["on" if row[name] else "off" for name in ("auto_apply_credit_hold", "auto_lift_credit_hold")]
        made.add(row["organisation"], *switches, row["language"], str(row["version"]), row["updated_by"])
    return made
