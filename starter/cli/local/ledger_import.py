"""`hold ar import`: the file's rows go by COPY into the database."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from credit.ledger_file import BadRow, LedgerFileError
from credit.permissions import Permission
from db import policies
from db.engine import transaction
from db.receivables.ledger_import import Progress, Stage, all_customers_for_netsuite, import_ledger
from runtime.csv_cells import inert
from runtime.settings import stack_settings
from starter.cli.context import read_settings
from starter.cli.desk_client import Document
from starter.cli.errors import UNREACHABLE
from starter.cli.local.database import opened
from starter.cli.output import err


def run(file: Path, bad_rows_to: Path | None, **how: Any) -> Document:
    """Import the file, and return the report. `how`: as `import_ledger` takes it.

    Raises:
        BadParameter: the file cannot be taken as it was described, or a file cannot be read or written.
        RefusedError: the caller may not, or is not known.
        UnreachableError: the database cannot be reached.
    """
    with opened(read_settings()) as database:
        caller = database.caller(Permission.IMPORT_LEDGER)
        with transaction(database.engine) as session:
            policy = policies.current(session)[1]
        try:
            with _bad_row_file(bad_rows_to) as on_bad_row, _progress_bar(file.name) as progress:
                how |= {"actor": caller.name, "policy": policy, "progress": progress, "on_bad_row": on_bad_row}
                report = import_ledger(database.engine, file, **how)
        except LedgerFileError as error:
            raise typer.BadParameter(f"{file.name}: {error}") from None
        except OSError as error:
            raise typer.BadParameter(f"{error.filename}: {error.strerror}") from None
    return report.model_dump(mode="json")


@contextmanager
def _bad_row_file(path: Path | None) -> Iterator[Callable[[BadRow], None] | None]:
    """Give a function that writes a bad row to the CSV file; None where no file is wanted.

    The rows are somebody else's text and will be opened in a spreadsheet, so a cell that it would calculate gets an
    apostrophe in front, which spreadsheets take for text.
    """
    if path is None:
        yield None
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(BadRow._fields)
        yield lambda row: rows.writerow(inert(cell) for cell in row)


@contextmanager
def _progress_bar(what: str) -> Iterator[Callable[[Progress], None] | None]:
    """Show a bar, the rows and their rate on stderr where that is a terminal; None where it is not."""
    if not err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} rows/s"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None, rows=0, rate=0)

        def show(now: Progress) -> None:
            reading = now.stage is Stage.READING  # only reading has a known end
            rate = now.rows / (bar.tasks[0].elapsed or 1)
            total = now.bytes_in_all if reading else None
            bar.update(task, description=f"{what}: {now.stage}", total=total, completed=now.bytes_read)
            bar.update(task, rows=now.rows, rate=rate)

        yield show


def register_in_sandbox() -> None:
    """Make the embedded stack's NetSuite sandbox know the customers; a real account is left alone."""
    settings = read_settings()
    sandbox = stack_settings(settings.data_dir).get("netsuite_url")
    if not settings.embedded or settings.netsuite_url != sandbox:  # HOLD_NETSUITE_URL may name a real account
        return
    url = f"{sandbox}/_sandbox/customers"
    try:
        with opened(settings) as database, transaction(database.engine) as session, httpx.Client(timeout=60) as client:
            for batch in all_customers_for_netsuite(session):
                client.put(url, json=batch).raise_for_status()
    except httpx.HTTPError as error:
        err.print(f"imported, but the NetSuite sandbox does not know the customers: {error}\n", end="")
        err.print("run the import again once `hold status` shows the sandbox running")
        raise typer.Exit(UNREACHABLE) from None
