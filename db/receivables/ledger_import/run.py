"""One import from file to ledger, in one transaction."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from credit.audit_entries.receivables import ArImported
from credit.ledger_file import BadRow, LedgerFileError, LedgerFormat, LedgerReader, LedgerRow
from credit.policy import Policy
from db import audit, policies
from db.act import Act
from db.engine import transaction, tried_again
from db.models import Customer, Import
from db.receivables.ledger_import import missing, staging
from db.receivables.ledger_import.merge import Merged, merge
from db.receivables.ledger_import.report import ImportReport, Missing, RefusedRow
from db.receivables.ledger_import.source import LedgerSource
from db.receivables.ledger_import.tally import Progress, Stage, Tally

_SANDBOX_BATCH = 5000


class _RefusedError(Exception):
    """Ends the transaction of a file that is not taken."""


class _How(NamedTuple):
    """What was asked for: the arguments of `import_ledger`."""

    as_of: date | None
    rates: Mapping[str, Decimal]
    skip_bad: bool
    actor: str
    policy: Policy
    full: bool
    close_missing: int | None


def _good_rows(reader: LedgerReader, source: LedgerSource, tally: Tally) -> Iterator[LedgerRow]:
    tally.begin(Stage.READING)
    for row in reader:
        tally.read(source)
        if isinstance(row, BadRow):
            tally.refuse(row)
        else:
            yield row


def import_ledger(
    engine: Engine,
    path: Path,
    *,
    mapping: Mapping[str, str],
    as_of: date | None,
    rates: Mapping[str, Decimal],
    skip_bad: bool,
    actor: str,
    policy: Policy,
    full: bool = False,
    close_missing: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_bad_row: Callable[[BadRow], None] | None = None,
) -> ImportReport:
    """Bring a CSV file of open items into the ledger, in one transaction and in bounded memory.

    A file with bad rows changes nothing unless `skip_bad` is given; then its good rows are taken. The same file
    again changes nothing. Imports that run at the same time take turns. A negative amount is an unapplied payment or
    credit note; an amount of zero closes the invoice. What the file does not name stays as it is, unless the file is
    the `full` ledger: then every open invoice and credit without a row in it is closed, with the disputes that an
    import opened on it; where that is more than the policy's `full_import_max_closed` of the ledger, by number or by
    amount, nothing is imported. Writes a row in `imports` and an audit event where anything changed.

    Args:
        path: the file: CSV in UTF-8 or Windows-1252, delimiter one of `,` `;` tab `|`.
        mapping: canonical column to the file's column (`credit.ledger_file.CANONICAL`).
        as_of: the day the export speaks of; kept with the import, changes nothing else.
        rates: currency to its worth in the ledger's currency; amounts are rounded to cents, half to even.
        skip_bad: take the good rows of a file that has bad ones.
        actor: who imports.
        policy: says the ledger's currency, and how much of it a full file may close unasked.
        full: the file is the whole ledger. It cannot skip bad rows: each would read as a closed invoice.
        close_missing: how many invoices and credits a full file is known to close: then as many, whatever the share,
            and no other number.
        progress: called every 1,000 rows and at the start of each stage.
        on_bad_row: called with every bad row; the report lists only the first 1,000.

    Raises:
        LedgerFileError: the file as a whole cannot be read as asked.
        OSError: there is no such file, or it cannot be read.
        ValueError: `full` with `skip_bad`, or `close_missing` without `full`.
    """
    if (full and skip_bad) or (close_missing is not None and not full):
        raise ValueError("a full file skips no bad row, and only a full file closes what is missing")
    how = _How(as_of, rates, skip_bad, actor, policy, full, close_missing)
    form = LedgerFormat(ledger_currency=policy.ledger_currency, mapping=mapping, rates=rates)
    started = monotonic()
    with path.open("rb") as file:
        source = LedgerSource(file)
        tally = Tally(source.size, progress=progress, on_bad_row=on_bad_row)
        merged, import_id = _import(engine, path.name, source, form, how, tally)
    return _report(path.name, source, tally, merged, import_id, takes=tally.takes(skip_bad=skip_bad), started=started)


def _import(
    engine: Engine, name: str, source: LedgerSource, form: LedgerFormat, how: _How, tally: Tally
) -> tuple[Merged, UUID | None]:
    """Bring the file in, in one transaction; nothing where `tally` says that it is not to be taken."""
    merged, import_id = Merged(), None
    with closing(source.lines()) as lines, suppress(_RefusedError), transaction(engine) as session:
        _stage(session, LedgerReader(lines, form), source, tally)
        _require_currency(session, form.ledger_currency)
        if how.full and not tally.bad_rows:
            tally.weigh(missing.find(session), how.policy, how.close_missing)
        if not tally.takes(skip_bad=how.skip_bad):
            raise _RefusedError
        tally.begin(Stage.MERGING)
        act = Act(session, how.actor, datetime.now(UTC))
        merged = _merge(act, tally.missing)
        if merged.counts.changed:
            what = Import(
                file_name=name,
                sha256=source.sha256,
                as_of=how.as_of,
                actor=how.actor,
                counts={"rows": tally.rows, "bad_rows": tally.bad_rows, **merged.counts.model_dump(mode="json")},
            )
            import_id = _record(act, what, how)
    return merged, import_id


def _report(
    name: str,
    source: LedgerSource,
    tally: Tally,
    merged: Merged,
    import_id: UUID | None,
    *,
    takes: bool,
    started: float,
) -> ImportReport:
    return ImportReport(
        **merged.counts.model_dump(),
        file_name=name,
        sha256=source.sha256,
        encoding=source.encoding,
        rows=tally.rows,
        customers=merged.customers,
        several_spellings=merged.several_spellings,
        bad_rows=tally.bad_rows,
        bad=[RefusedRow(**row._asdict()) for row in sorted(tally.listed)],
        missing=tally.missing,
        imported=takes,
        refusal=tally.refusal,
        import_id=import_id,
        seconds=round(monotonic() - started, 3),
    )


def _stage(session: Session, reader: LedgerReader, source: LedgerSource, tally: Tally) -> None:
    """Bring the good rows into the staging table, and take those out that contradict others or the ledger."""
    staging.create(session)
    staging.copy_rows(session, _good_rows(reader, source, tally))
    tally.begin(Stage.CHECKING)
    staging.lock_ledger(session)
    for row in staging.refuse_contradictions(session, reader.column_of):
        tally.refuse(row)


def _require_currency(session: Session, read_as: str) -> None:
    """Refuse a file whose amounts were read for a currency that the ledger is not kept in any more."""
    now = policies.for_amounts(session).ledger_currency
    if now != read_as:
        raise LedgerFileError(f"the ledger's currency was changed from {read_as} to {now} meanwhile: import it again")


def _merge(act: Act, left_out: Missing | None) -> Merged:
    """Merge; where that meets somebody's payment or decision in a deadlock, it is undone and tried again."""

    def once() -> Merged:
        with act.session.begin_nested():
            return merge(act, left_out)

    return tried_again(once)


def _record(act: Act, what: Import, how: _How) -> UUID:
    """Keep what was imported, and who did it; return the import's id."""
    act.session.add(what)
    act.session.flush()
    entry = ArImported(
        import_id=what.id,
        file_name=what.file_name,
        sha256=what.sha256,
        as_of=what.as_of,
        full=how.full,
        rates={currency: str(rate) for currency, rate in how.rates.items()},
        **what.counts,
    )
    act.note(audit.SYSTEM, entry)
    return what.id


def all_customers_for_netsuite(session: Session) -> Iterator[list[dict[str, str]]]:
    """Yield every customer as the NetSuite sandbox registers it, in batches of at most 5,000 in the order of ids.

    Each is `{"id": NetSuite id, "externalId": customer id, "companyName": name}`.
    """
    after = None
    while True:
        query = select(Customer.id, Customer.netsuite_id, Customer.name).order_by(Customer.id).limit(_SANDBOX_BATCH)
        rows = session.execute(query if after is None else query.where(Customer.id > after)).all()
        if rows:
            yield [{"id": row.netsuite_id, "externalId": row.id, "companyName": row.name} for row in rows]
        if len(rows) < _SANDBOX_BATCH:
            return
        after = rows[-1].id
