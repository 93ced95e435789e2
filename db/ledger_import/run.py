"""One import from file to ledger, in one transaction."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from credit.ledger_file import BadRow, LedgerFormat, LedgerReader, LedgerRow
from credit.policy import Policy
from db.engine import transaction
from db.ledger_import import staging
from db.ledger_import.merge import Merged, merge
from db.ledger_import.report import LISTED, ImportReport, RefusedRow
from db.ledger_import.source import LedgerSource
from db.models import Customer, Import
from db.repositories import audit

_PROGRESS_EVERY = 1000
_SANDBOX_BATCH = 5000


class _RefusedError(Exception):
    """Ends the transaction of a file that is not taken."""


class _Tally:
    """Counts the rows of a file and keeps the first bad ones."""

    def __init__(self, on_bad_row: Callable[[BadRow], None] | None) -> None:
        self.rows = 0
        self.bad_rows = 0
        self.listed: list[BadRow] = []
        self._on_bad_row = on_bad_row

    def refuse(self, row: BadRow) -> None:
        self.bad_rows += 1
        if len(self.listed) < LISTED:
            self.listed.append(row)
        if self._on_bad_row:
            self._on_bad_row(row)

    def takes(self, *, skip_bad: bool) -> bool:
        """Whether the file is to be taken: without a bad row, or with a good one where bad ones may be skipped."""
        return self.bad_rows == 0 or (skip_bad and self.bad_rows < self.rows)


def _good_rows(
    reader: LedgerReader, source: LedgerSource, tally: _Tally, progress: Callable[[int, int], None] | None
) -> Iterator[LedgerRow]:
    for row in reader:
        tally.rows += 1
        if progress and tally.rows % _PROGRESS_EVERY == 0:
            progress(source.position, source.size)
        if isinstance(row, BadRow):
            tally.refuse(row)
        else:
            yield row
    if progress:
        progress(source.size, source.size)


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
    progress: Callable[[int, int], None] | None = None,
    on_bad_row: Callable[[BadRow], None] | None = None,
) -> ImportReport:
    """Bring a CSV file of open items into the ledger, in one transaction and in bounded memory.

    A file with bad rows changes nothing unless `skip_bad` is given; then its good rows are taken. The same file
    again changes nothing. Imports that run at the same time take turns. A negative amount is an unapplied payment or
    credit note; an amount of zero closes the invoice. What the file does not name stays as it is: an invoice that is
    missing from it is not taken for paid. Writes a row in `imports` and an audit event where anything changed.

    Args:
        engine: the database.
        path: the file: CSV in UTF-8 or Windows-1252, delimiter one of `,` `;` tab `|`.
        mapping: canonical column to the file's column (`credit.ledger_file.CANONICAL`).
        as_of: the day the export speaks of; kept with the import, changes nothing else.
        rates: currency to its worth in the ledger's currency; amounts are rounded to cents, half to even.
        skip_bad: take the good rows of a file that has bad ones.
        actor: who imports.
        policy: says the ledger's currency.
        progress: called now and then with bytes read and bytes in all.
        on_bad_row: called with every bad row; the report lists only the first 1,000.

    Raises:
        LedgerFileError: the file as a whole cannot be read as asked.
        OSError: there is no such file, or it cannot be read.
    """
    tally = _Tally(on_bad_row)
    merged, import_id = Merged(), None
    form = LedgerFormat(ledger_currency=policy.ledger_currency, mapping=mapping, rates=rates)
    with path.open("rb") as file:
        source = LedgerSource(file)
        with closing(source.lines()) as lines, suppress(_RefusedError), transaction(engine) as session:
            merged = _into_ledger(session, LedgerReader(lines, form), source, tally, progress, skip_bad=skip_bad)
            if merged.counts.changed:
                what = Import(
                    file_name=path.name,
                    sha256=source.sha256,
                    as_of=as_of,
                    actor=actor,
                    counts={"rows": tally.rows, "bad_rows": tally.bad_rows, **merged.counts.model_dump()},
                )
                import_id = _record(session, what, rates)
    return ImportReport(
        **merged.counts.model_dump(),
        file_name=path.name,
        sha256=source.sha256,
        encoding=source.encoding,
        rows=tally.rows,
        customers=merged.customers,
        several_spellings=merged.several_spellings,
        bad_rows=tally.bad_rows,
        bad=[RefusedRow(**row._asdict()) for row in sorted(tally.listed)],
        imported=tally.takes(skip_bad=skip_bad),
        import_id=import_id,
    )


def _into_ledger(
    session: Session,
    reader: LedgerReader,
    source: LedgerSource,
    tally: _Tally,
    progress: Callable[[int, int], None] | None,
    *,
    skip_bad: bool,
) -> Merged:
    """Stage, check and merge the rows; `_RefusedError` where the file is not to be taken."""
    staging.create(session)
    staging.copy_rows(session, _good_rows(reader, source, tally, progress))
    staging.lock_ledger(session)
    for row in staging.refuse_contradictions(session, reader.column_of):
        tally.refuse(row)
    if not tally.takes(skip_bad=skip_bad):
        raise _RefusedError
    return merge(session)


def _record(session: Session, what: Import, rates: Mapping[str, Decimal]) -> UUID:
    """Keep what was imported, and who did it; return the import's id."""
    session.add(what)
    session.flush()
    detail = {
        "import_id": str(what.id),
        "file_name": what.file_name,
        "sha256": what.sha256,
        "as_of": what.as_of.isoformat() if what.as_of else None,
        "rates": {currency: str(rate) for currency, rate in rates.items()},
        **what.counts,
    }
    at = datetime.now(UTC)
    audit.append(session, chain=audit.SYSTEM, actor=what.actor, action="ar_imported", detail=detail, at=at)
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
