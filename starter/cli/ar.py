"""`hold ar import | scan`: the receivables ledger."""

import asyncio
import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from credit.ledger_file import BadRow, LedgerFileError
from credit.triggers import Disposition
from db.engine import transaction
from db.ledger_import import ImportReport, all_customers_for_netsuite, import_ledger
from db.repositories import receivables
from db.repositories.receivables import Candidate
from db.repositories.tokens import Role
from starter.cli.context import Context, open_context
from starter.cli.output import console, err, print_json
from starter.settings import stack_settings

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
    as_json: Json = False,
) -> None:
    """Import open invoices and credits. A file with bad rows changes nothing, the same file twice neither."""
    context = open_context()
    context.require(Role.ADMIN)
    mapping = _pairs(columns, "--map")
    worth = {currency.upper(): _rate(currency, rate) for currency, rate in _pairs(rates, "--rate").items()}
    try:
        with _bad_row_file(bad_rows_to) as on_bad_row, _progress(file.name) as progress:
            report = import_ledger(
                context.engine,
                file,
                mapping=mapping,
                as_of=as_of.date() if as_of else None,
                rates=worth,
                skip_bad=skip_bad,
                actor=context.actor,
                policy=context.policy(),
                progress=progress,
                on_bad_row=on_bad_row,
            )
    except LedgerFileError as error:
        raise typer.BadParameter(f"{file.name}: {error}") from None
    except OSError as error:
        raise typer.BadParameter(f"{error.filename}: {error.strerror}") from None
    if as_json:
        print_json(report.model_dump(mode="json"))
    _print_report(report, bad_rows_to, quiet=as_json)
    if not report.imported:
        raise typer.Exit(_REFUSED)
    _register_in_sandbox(context)


@app.command()
def scan(
    as_of: Annotated[datetime | None, _Day] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list who would be proposed.")] = False,
    as_json: Json = False,
) -> None:
    """Propose a hold for every customer whose receivables cross the policy's threshold, today or on --as-of."""
    context = open_context()
    context.require(Role.VIEWER if dry_run else Role.REQUESTER)
    day = as_of.date() if as_of else datetime.now(UTC).date()
    if not dry_run:
        _propose(context, day, as_json=as_json)
        return
    policy = context.policy()
    with transaction(context.engine) as session:
        found = receivables.candidates(session, day, policy, now=datetime.now(UTC))
    if as_json:
        print_json({"as_of": day.isoformat(), "candidates": [_document(candidate) for candidate in found]})
        return
    if found:
        console.print(_table(found))
    err.print(f"{len(found):,} customer(s) would be proposed as of {day}.", markup=False)


def _propose(context: Context, day: date, *, as_json: bool) -> None:
    async def run() -> None:
        report = await (await context.operations()).scan(day, actor=context.actor)
        if as_json:
            print_json(report.model_dump(mode="json"))
            return
        proposed = report.counts.get(Disposition.PROPOSED, 0)
        err.print(f"{proposed:,} hold(s) proposed as of {day}; `hold list` shows what waits for you.", markup=False)
        for disposition, count in report.counts.items():
            if disposition != Disposition.PROPOSED:
                err.print(f"{count:,} left out: {disposition.replace('_', ' ')}", markup=False)

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


def _rate(currency: str, rate: str) -> Decimal:
    try:
        return Decimal(rate)
    except InvalidOperation:
        raise typer.BadParameter(f"{currency}={rate}: the rate is not a number", param_hint="--rate") from None


@contextmanager
def _bad_row_file(path: Path | None) -> Iterator[Callable[[BadRow], None] | None]:
    if path is None:
        yield None
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(BadRow._fields)
        yield rows.writerow


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on stderr where that is a terminal."""
    if not err.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with ExitStack() as stack:
        bar = stack.enter_context(Progress(*columns, console=err, transient=True))
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_report(report: ImportReport, bad_rows_to: Path | None, *, quiet: bool) -> None:
    """Say on stderr what happened; where it is `quiet`, only what could be overlooked."""
    if not quiet:
        _print_bad_rows(report)
    if bad_rows_to is not None and report.bad_rows:
        err.print(f"Every bad row is in {bad_rows_to}.", markup=False, soft_wrap=True)
    if not report.imported:
        what = "Nothing was imported: mend them, or take the good rows with --skip-bad."
        err.print(f"{report.bad_rows:,} of {report.rows:,} rows are bad. {what}", markup=False, soft_wrap=True)
    elif not quiet:
        _print_summary(report)


def _print_bad_rows(report: ImportReport) -> None:
    for row in report.bad[:_LISTED]:
        column = f", {row.column}" if row.column else ""
        value = f": {row.value}" if row.value else ""
        err.print(Text.assemble((f"line {row.line:,}{column}: ", "yellow"), f"{row.reason}{value}"), soft_wrap=True)
    if report.bad_rows > _LISTED:
        err.print(f"… and {report.bad_rows - _LISTED:,} more", markup=False)


def _print_summary(report: ImportReport) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("", "new", "changed", "as before"):
        table.add_column(column, justify="right" if column else "left")
    known = report.customers - report.customers_inserted - report.customers_updated
    for name, counts in (
        ("customers", (report.customers_inserted, report.customers_updated, known)),
        ("invoices", (report.invoices_inserted, report.invoices_updated, report.invoices_unchanged)),
        ("credits", (report.credits_inserted, report.credits_updated, report.credits_unchanged)),
    ):
        table.add_row(name, *(f"{count:,}" for count in counts))
    err.print(f"{report.file_name}: {report.rows:,} rows, {report.customers:,} customers", markup=False, soft_wrap=True)
    err.print(table)
    for count, words in (
        (report.bad_rows, "bad row(s) left out"),
        (report.several_spellings, "customer(s) spelt in several ways; the most frequent spelling was taken"),
        (report.disputes_opened, "dispute(s) opened"),
        (report.disputes_closed, "dispute(s) closed"),
        (report.moved, "item(s) turned from invoice to credit or back"),
    ):
        if count:
            err.print(f"{count:,} {words}", markup=False)


def _register_in_sandbox(context: Context) -> None:
    """Make the embedded stack's NetSuite sandbox know the customers (design 6); a real account is left alone."""
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
        err.print(f"imported, but the NetSuite sandbox does not know the customers: {error}\n", markup=False, end="")
        err.print("run the import again once `hold status` shows the sandbox running", markup=False)
        raise typer.Exit(_UNREACHABLE) from None


def _document(candidate: Candidate) -> dict[str, object]:
    return {
        "customer_id": candidate.customer_id,
        "customer_name": candidate.customer_name,
        "total_open": str(candidate.facts.total_open),
        "days_overdue": candidate.facts.days_overdue,
        "warnings": candidate.warnings,
        "prior_holds": candidate.facts.prior_holds,
    }


def _table(found: list[Candidate]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Customer", no_wrap=True)
    table.add_column("Name")
    table.add_column(f"Open {found[0].facts.currency}", justify="right", no_wrap=True)
    table.add_column("Overdue", justify="right", no_wrap=True)
    table.add_column("Prior holds", justify="right", no_wrap=True)
    table.add_column("Warnings")
    for candidate in found:
        facts = candidate.facts
        table.add_row(
            Text(candidate.customer_id),
            Text(candidate.customer_name),
            f"{facts.total_open:,.2f}",
            f"{facts.days_overdue} d",
            str(facts.prior_holds or ""),
            Text("; ".join(candidate.warnings), "yellow"),
        )
    return table
