"""`hold ar import | scan`: the receivables ledger."""

import asyncio
import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from credit.ledger_file import BadRow, LedgerFileError
from credit.permissions import Permission
from credit.triggers import Disposition
from db.engine import transaction
from db.receivables import receivables
from db.receivables.ledger_import import (
    ImportReport,
    Progress,
    Stage,
    all_customers_for_netsuite,
    import_ledger,
)
from runtime.csv_cells import inert
from runtime.settings import stack_settings
from services.receivables import customer_documents
from starter.cli import candidates
from starter.cli.context import Context, open_context
from starter.cli.output import Column, err, plural, print_json, print_table, table

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Day = typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="The day the receivables are looked at.")

_LISTED = 50
_REFUSED, _UNREACHABLE = 1, 3


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file of open items.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="CANONICAL=COLUMN", help="Which column of the file is which; may be repeated."),
    ] = None,
    as_of: Annotated[datetime | None, _Day] = None,
    rates: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="CUR=RATE", help="What one unit is worth in the ledger's currency; repeatable."),
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows of a file with bad ones.")] = False,
    bad_rows_to: Annotated[
        Path | None, typer.Option(dir_okay=False, writable=True, help="Write every bad row to this CSV file.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="The file is the whole ledger: close open items that are missing from it.")
    ] = False,
    close_missing: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="With --full: close exactly N missing items, however large a share."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import open invoices and credits. A file with bad rows changes nothing, the same file twice neither."""
    _refuse_options(file, bad_rows_to, full=full, skip_bad=skip_bad, close_missing=close_missing)
    context = open_context()
    context.require(Permission.IMPORT_LEDGER)
    mapping = _pairs(columns, "--map")
    worth = worths(rates)
    try:
        with _bad_row_file(bad_rows_to) as on_bad_row, _progress_bar(file.name) as progress:
            report = import_ledger(
                context.engine,
                file,
                mapping=mapping,
                as_of=as_of.date() if as_of else None,
                rates=worth,
                skip_bad=skip_bad,
                actor=context.actor,
                policy=context.policy(),
                full=full,
                close_missing=close_missing,
                progress=progress,
                on_bad_row=on_bad_row,
            )
    except LedgerFileError as error:
        raise typer.BadParameter(f"{file.name}: {error}") from None
    except OSError as error:
        raise typer.BadParameter(f"{error.filename}: {error.strerror}") from None
    if as_json:
        print_json(report.model_dump(mode="json"))
    print_report(report, bad_rows_to, full=full, quiet=as_json)
    if not report.imported:
        raise typer.Exit(_REFUSED)
    _register_in_sandbox(context)


def _refuse_options(
    file: Path, bad_rows_to: Path | None, *, full: bool, skip_bad: bool, close_missing: int | None
) -> None:
    if full and skip_bad:
        raise typer.BadParameter(
            "not with --full: a row left out would read as a closed invoice", param_hint="--skip-bad"
        )
    if close_missing is not None and not full:
        raise typer.BadParameter("only with --full", param_hint="--close-missing")
    if bad_rows_to is not None and bad_rows_to.exists() and bad_rows_to.samefile(file):
        raise typer.BadParameter("would overwrite the file to import", param_hint="--bad-rows-to")


@app.command()
def scan(
    as_of: Annotated[datetime | None, _Day] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list who would be proposed.")] = False,
    changed_policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            exists=True,
            dir_okay=False,
            help="A JSON file with some of the policy's fields: list who would be proposed under it, beside today's.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Propose a hold for every customer whose receivables cross the policy's threshold, today or on --as-of."""
    context = open_context()
    context.require(Permission.LOOK if dry_run or changed_policy else Permission.RUN_SCAN)
    day = as_of.date() if as_of else datetime.now(UTC).date()
    if changed_policy is not None:
        candidates.backtest_policy(context, changed_policy, day, as_json=as_json)
        return
    if not dry_run:
        _propose(context, day, as_json=as_json)
        return
    policy = context.policy()
    with transaction(context.engine) as session:
        found = receivables.candidates(session, day, policy, now=datetime.now(UTC))
    if as_json:
        print_json(customer_documents.candidates(day, found))
        return
    if found:
        print_table(candidates.table(found))
    err.print(f"{plural(len(found), 'customer')} would be proposed as of {day}.")


def _propose(context: Context, day: date, *, as_json: bool) -> None:
    async def run() -> None:
        report = await (await context.operations()).scan(day, actor=context.actor)
        if as_json:
            print_json(report.model_dump(mode="json"))
            return
        proposed = report.counts.get(Disposition.PROPOSED, 0)
        err.print(f"{plural(proposed, 'hold')} proposed as of {day}; `hold list` shows what waits for you.")
        for disposition, count in report.counts.items():
            if disposition != Disposition.PROPOSED:
                err.print(f"{count:,} left out: {disposition.replace('_', ' ')}")

    asyncio.run(run())


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in given or []:
        name, equals, value = (part.strip() for part in one.partition("="))
        if not (name and equals and value):
            raise typer.BadParameter(f"{one!r} is not of the form name=value", param_hint=option)
        if name in pairs:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        pairs[name] = value
    return pairs


def worths(rates: list[str] | None) -> dict[str, Decimal]:
    """Return what `--rate` says: currency to what one unit is worth in the ledger's."""
    return {currency.upper(): _rate(currency, rate) for currency, rate in _pairs(rates, "--rate").items()}


def _rate(currency: str, rate: str) -> Decimal:
    try:
        return Decimal(rate)
    except InvalidOperation:
        raise typer.BadParameter(f"{currency}={rate}: the rate is not a number", param_hint="--rate") from None


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


def print_report(report: ImportReport, bad_rows_to: Path | None, *, full: bool, quiet: bool) -> None:
    """Say on stderr what happened; where it is `quiet`, only what could be overlooked."""
    if not quiet:
        _print_bad_rows(report)
    if bad_rows_to is not None and report.bad_rows:
        err.print(f"Every bad row is in {bad_rows_to}.", soft_wrap=True)
    if report.imported:
        if not quiet:
            _print_summary(report)
        speed = f"{report.rows:,} rows in {report.seconds:,.1f} s ({report.rows_per_second:,.0f} rows/s)"
        err.print(speed, soft_wrap=True)
        return
    if report.refusal:
        err.print(Text.assemble(("refused:", "red"), f" {report.refusal}. Nothing was imported."), soft_wrap=True)
        return
    mend = "mend them" if full else "mend them, or take the good rows with --skip-bad"
    what = f"{report.bad_rows:,} of {report.rows:,} rows are bad. Nothing was imported: {mend}."
    err.print(what, soft_wrap=True)


def _print_bad_rows(report: ImportReport) -> None:
    for row in report.bad[:_LISTED]:
        column = f", {row.column}" if row.column else ""
        value = f": {row.value}" if row.value else ""
        err.print(Text.assemble((f"line {row.line:,}{column}: ", "yellow"), f"{row.reason}{value}"), soft_wrap=True)
    if report.bad_rows > _LISTED:
        err.print(f"… and {report.bad_rows - _LISTED:,} more")


def _print_summary(report: ImportReport) -> None:
    made = table("", *(Column(name, number=True) for name in ("new", "changed", "as before")))
    known = report.customers - report.customers_inserted - report.customers_updated
    for name, counts in (
        ("customers", (report.customers_inserted, report.customers_updated, known)),
        ("invoices", (report.invoices_inserted, report.invoices_updated, report.invoices_unchanged)),
        ("credits", (report.credits_inserted, report.credits_updated, report.credits_unchanged)),
    ):
        made.add(name, *(f"{count:,}" for count in counts))
    err.print(f"{report.file_name}: {report.rows:,} rows, {report.customers:,} customers", soft_wrap=True)
    print_table(made, to=err)
    missing = f"missing from the file and closed: {report.amount_closed:,.2f} in all"
    for count, what, words in (
        (report.bad_rows, "bad row", "left out"),
        (report.several_spellings, "customer", "spelt in several ways; the most frequent spelling was taken"),
        (report.disputes_opened, "dispute", "opened"),
        (report.disputes_closed, "dispute", "closed"),
        (report.moved, "item", "turned from invoice to credit or back"),
        (report.invoices_closed + report.credits_closed, "item", missing),
        (report.limits_crossed, "credit limit", "crossed"),
        (report.credit_holds_applied, "customer", "put on credit hold"),
        (report.credit_holds_lifted, "credit hold", "lifted"),
    ):
        if count:
            err.print(f"{plural(count, what)} {words}")


def _register_in_sandbox(context: Context) -> None:
    """Make the embedded stack's NetSuite sandbox know the customers; a real account is left alone."""
    settings = context.settings
    sandbox = stack_settings(settings.data_dir).get("netsuite_url")
    if not settings.embedded or settings.netsuite_url != sandbox:  # HOLD_NETSUITE_URL may name a real account
        return
    url = f"{sandbox}/_sandbox/customers"
    try:
        with transaction(context.engine) as session, httpx.Client(timeout=60) as client:
            for batch in all_customers_for_netsuite(session):
                client.put(url, json=batch).raise_for_status()
    except httpx.HTTPError as error:
        err.print(f"imported, but the NetSuite sandbox does not know the customers: {error}\n", end="")
        err.print("run the import again once `hold status` shows the sandbox running")
        raise typer.Exit(_UNREACHABLE) from None
