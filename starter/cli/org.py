"""`hold org show | set`: what an organisation has chosen (freight spec, LSP Org Settings)."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from starter.cli.context import open_context
from starter.cli.output import console, err, print_json
from starter.documents import Document

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


@app.command()
def show(
    organisation: Annotated[str | None, typer.Option("--organisation", help="Only this one.")] = None,
    as_json: Json = False,
) -> None:
    """Show the settings of every organisation, or of one."""
    profiles = open_context().desk.profiles
    if organisation is not None:
        document = profiles.organisation(organisation)
        rows = [document]
    else:
        document = profiles.organisations()
        rows = document["organisations"]
    if as_json:
        print_json(document)
    else:
        console.print(_table(rows))


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
    as_json: Json = False,
) -> None:
    """Change settings of an organisation. Nobody is put on hold by it: it counts from the next change of an amount."""
    switches = {"auto_apply_credit_hold": auto_apply, "auto_lift_credit_hold": auto_lift}
    changes: dict[str, Any] = {name: value is Switch.ON for name, value in switches.items() if value is not None}
    if language is not None:
        changes["language"] = language
    if not changes:
        raise typer.BadParameter("nothing to change: give --auto-apply, --auto-lift or --language")
    document = open_context().desk.profiles.set_organisation(organisation, changes)
    if as_json:
        print_json(document)
    else:
        err.print(f"Saved: version {document['version']} of the settings of {organisation}.", markup=False)


def _table(rows: list[Document]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Organisation", "Auto apply", "Auto lift", "Language", "Version", "Changed by"):
        table.add_column(column)
    for row in rows:
        switches = ["on" if row[name] else "off" for name in ("auto_apply_credit_hold", "auto_lift_credit_hold")]
        texts = (row["organisation"], *switches, row["language"], str(row["version"]), row["updated_by"])
        table.add_row(*(Text(text) for text in texts))
    return table
