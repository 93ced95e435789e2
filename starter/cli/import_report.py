"""What an import of the ledger came to, on stderr."""

from decimal import Decimal
from pathlib import Path

from rich.text import Text

from starter.cli.desk_client import Document
from starter.cli.output import Column, err, plural, print_table, table

_LISTED = 50


def say(report: Document, bad_rows_to: Path | None, *, full: bool, quiet: bool) -> None:
    """Say on stderr what happened; where it is `quiet`, only what could be overlooked."""
    if not quiet:
        _print_bad_rows(report)
    if bad_rows_to is not None and report["bad_rows"]:
        err.print(f"Every bad row is in {bad_rows_to}.", soft_wrap=True)
    if report["imported"]:
        if not quiet:
            _print_summary(report)
        rows, seconds = report["rows"], report["seconds"]
        rate = rows / max(seconds, 0.001)
        err.print(f"{rows:,} rows in {seconds:,.1f} s ({rate:,.0f} rows/s)", soft_wrap=True)
        return
    if report["refusal"]:
        err.print(Text.assemble(("refused:", "red"), f" {report['refusal']}. Nothing was imported."), soft_wrap=True)
        return
    mend = "mend them" if full else "mend them, or take the good rows with --skip-bad"
    what = f"{report['bad_rows']:,} of {report['rows']:,} rows are bad. Nothing was imported: {mend}."
    err.print(what, soft_wrap=True)


def _print_bad_rows(report: Document) -> None:
    for row in report["bad"][:_LISTED]:
        column = f", {row['column']}" if row["column"] else ""
        value = f": {row['value']}" if row["value"] else ""
        where = f"line {row['line']:,}{column}: "
        err.print(Text.assemble((where, "yellow"), f"{row['reason']}{value}"), soft_wrap=True)
    if report["bad_rows"] > _LISTED:
        err.print(f"… and {report['bad_rows'] - _LISTED:,} more")


def _print_summary(report: Document) -> None:
    made = table("", *(Column(name, number=True) for name in ("new", "changed", "as before")))
    known = report["customers"] - report["customers_inserted"] - report["customers_updated"]
    for name, counts in (
        ("customers", (report["customers_inserted"], report["customers_updated"], known)),
        ("invoices", (report["invoices_inserted"], report["invoices_updated"], report["invoices_unchanged"])),
        ("credits", (report["credits_inserted"], report["credits_updated"], report["credits_unchanged"])),
    ):
        made.add(name, *(f"{count:,}" for count in counts))
    err.print(f"{report['file_name']}: {report['rows']:,} rows, {report['customers']:,} customers", soft_wrap=True)
    print_table(made, to=err)
    missing = f"missing from the file and closed: {Decimal(report['amount_closed']):,.2f} in all"
    for count, what, words in (
        (report["bad_rows"], "bad row", "left out"),
        (report["several_spellings"], "customer", "spelt in several ways; the most frequent spelling was taken"),
        (report["disputes_opened"], "dispute", "opened"),
        (report["disputes_closed"], "dispute", "closed"),
        (report["moved"], "item", "turned from invoice to credit or back"),
        (report["invoices_closed"] + report["credits_closed"], "item", missing),
        (report["limits_crossed"], "credit limit", "crossed"),
        (report["credit_holds_applied"], "customer", "put on credit hold"),
        (report["credit_holds_lifted"], "credit hold", "lifted"),
    ):
        if count:
            err.print(f"{plural(count, what)} {words}")
