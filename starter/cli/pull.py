"""`hold ar pull`: the ledger out of NetSuite."""

from datetime import datetime
from typing import Annotated

import typer

from credit.ledger_file import LedgerFileError
from credit.permissions import Permission
from netsuite.errors import NetSuiteError
from services.netsuite.client import netsuite_client
from services.receivables.netsuite_pull import pull as pull_ledger
from starter.cli import ar
from starter.cli.context import open_context
from starter.cli.output import err, print_json


def pull(
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="The day this speaks of.")
    ] = None,
    rates: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="CUR=RATE", help="What one unit is worth in the ledger's currency; repeatable."),
    ] = None,
    close_missing: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Close exactly N missing items, however large a share.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import the open items of NetSuite as the whole ledger: all or nothing. What breaks off can be repeated."""
    context = open_context()
    context.require(Permission.IMPORT_LEDGER)
    try:
        with netsuite_client(context.settings) as client, err.status("asking NetSuite") as status:
            report = pull_ledger(
                context.engine,
                client,
                as_of=as_of.date() if as_of else None,
                rates=ar.worths(rates),
                actor=context.actor,
                policy=context.policy(),
                close_missing=close_missing,
                on_page=lambda count: status.update(f"{count:,} items"),
            )
    except LedgerFileError as error:
        raise typer.BadParameter(f"NetSuite's items: {error}") from None
    except NetSuiteError as error:
        if error.retryable:
            raise RuntimeError(str(error)) from error  # exit 3: a service that cannot be reached
        err.print(f"refused by NetSuite: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print_json(report.model_dump(mode="json"))
    ar.print_report(report, None, full=True, quiet=as_json)
    if not report.imported:
        raise typer.Exit(1)
