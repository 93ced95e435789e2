"""`hold org show | set`: what an organisation has chosen (freight spec, LSP Org Settings)."""

from typing import Annotated, Any

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import Switch
from starter.cli.output import Column, err, print_list

app = Commands(no_args_is_help=True, help="What an organisation has chosen.")

_COLUMNS = (
    Column("Organisation", "organisation", wraps=12),
    Column("Auto apply", lambda row: "on" if row["auto_apply_credit_hold"] else "off"),
    Column("Auto lift", lambda row: "on" if row["auto_lift_credit_hold"] else "off"),
    Column("Language", "language", drop=1),
    Column("Version", "version", number=True, drop=2),
    Column("Changed by", "updated_by", drop=3),
)


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
    print_list(_COLUMNS, rows)


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
    changes: dict[str, Any] = {name: value == "on" for name, value in switches.items() if value is not None}
    if language is not None:
        changes["language"] = language
    if not changes:
        raise typer.BadParameter("nothing to change: give --auto-apply, --auto-lift or --language")
    document = open_desk().put("org-settings", organisation, **changes)
    yield document
    err.print(f"Saved: version {document['version']} of the settings of {organisation}.")
