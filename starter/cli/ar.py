"""`hold ar import | pull | scan | schedule`: the receivables ledger."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from credit.typed_number import typed_number
from starter.cli import candidates, import_report, schedule
from starter.cli.commands import Answer, Commands, Json
from starter.cli.context import open_desk
from starter.cli.errors import REFUSED, RefusedError
from starter.cli.output import err, plural, print_json

app = Commands(no_args_is_help=True, help="The receivables ledger: import it, and scan it for holds to propose.")

Rates = Annotated[
    list[str] | None,
    typer.Option("--rate", metavar="CUR=RATE", help="What one unit is worth in the ledger's currency; repeatable."),
]
_Day = typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="The day the receivables are looked at.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file of open items.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="CANONICAL=COLUMN", help="Which column of the file is which; may be repeated."),
    ] = None,
    as_of: Annotated[datetime | None, _Day] = None,
    rates: Rates = None,
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
    """Import open invoices and credits, on the machine of the database: by COPY into it, for files of any length.

    A file with bad rows changes nothing, the same file twice neither.
    """
    _refuse_options(file, bad_rows_to, full=full, skip_bad=skip_bad, close_missing=close_missing)
    from starter.cli.local import ledger_import  # noqa: PLC0415 (the database's library is slow to load)

    report = ledger_import.run(
        file,
        bad_rows_to,
        mapping=_pairs(columns, "--map"),
        as_of=as_of.date() if as_of else None,
        rates=_worths(rates),
        skip_bad=skip_bad,
        full=full,
        close_missing=close_missing,
    )
    if as_json:
        print_json(report)
    import_report.say(report, bad_rows_to, full=full, quiet=as_json)
    if not report["imported"]:
        raise typer.Exit(REFUSED)
    ledger_import.register_in_sandbox()


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
def pull(
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="The day this speaks of.")
    ] = None,
    rates: Rates = None,
    close_missing: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Close exactly N missing items, however large a share.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import the open items of NetSuite as the whole ledger: all or nothing. What breaks off can be repeated."""
    worth = _worths(rates)
    day = {"as_of": as_of.date()} if as_of else {}
    try:
        with err.status("asking NetSuite"):
            report = open_desk(patient=True).post("ledger", "pull", **day, rates=worth, close_missing=close_missing)
    except RefusedError as error:
        if error.code == "bad_input":
            raise typer.BadParameter(str(error)) from None
        if error.code != "netsuite_refused":
            raise
        err.print(f"refused by NetSuite: {error}", soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    if as_json:
        print_json(report)
    import_report.say(report, None, full=True, quiet=as_json)
    if not report["imported"]:
        raise typer.Exit(REFUSED)


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
) -> Answer:
    """Propose a hold for every customer whose receivables cross the policy's threshold, today or on --as-of."""
    day = as_of.date() if as_of else datetime.now(UTC).date()
    if changed_policy is not None:
        return candidates.backtest_policy(changed_policy, day)
    return candidates.list_candidates(day) if dry_run else _propose(day)


app.add_typer(schedule.app, name="schedule")


def _propose(day: date) -> Answer:
    desk = open_desk()
    run = desk.post("ar-aging", "run", as_of=day)["workflow_id"]
    report = None
    while report is None:  # each answer waits a while for the end
        report = desk.get("ar-aging", "runs", run)["report"]
    yield report
    counts: dict[str, int] = report["counts"]
    err.print(
        f"{plural(counts.pop('proposed', 0), 'hold')} proposed as of {day}; `hold list` shows what waits for you."
    )
    for disposition, count in counts.items():
        err.print(f"{count:,} left out: {disposition.replace('_', ' ')}")


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


def _worths(rates: list[str] | None) -> dict[str, Decimal]:
    """Return what `--rate` says: currency to what one unit is worth in the ledger's."""
    return {currency.upper(): _rate(currency, rate) for currency, rate in _pairs(rates, "--rate").items()}


def _rate(currency: str, rate: str) -> Decimal:
    try:
        return typed_number(rate)
    except ValueError as error:
        raise typer.BadParameter(f"{currency}={rate}: {error}", param_hint="--rate") from None
