"""What can be asked of the audit trail as a whole, by the command line and the desk alike: verify it, and export it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.plain_text import shown_in_json
from db import audit, audit_check
from db.anchor_file import AnchorFile
from db.engine import transaction
from db.errors import UnknownHoldError
from db.freight import credit_limits
from db.holds import holds
from db.models import AuditEvent, Customer
from runtime.csv_cells import inert
from services.answers import Document, utc

_COLUMNS = ("at", "chain", "seq", "actor", "action", "detail", "prev_hash", "hash")
_NO_ANCHORS = (
    "Nothing is anchored yet: that rows are missing at a chain's end, or that a chain was rewritten whole, cannot be "
    "seen. The worker anchors by itself; HOLD_AUDIT_ANCHOR_FILE must name the file it writes"
)


class ExportFormat(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"


def verify(engine: Engine, anchor_file: Path) -> Document:
    """Verify every chain and the anchor file; about a minute for a million rows.

    Returns:
        {intact, rows, chains, bad_chains, faults: [{chain, seq, kind, problem}],
        anchors: {heads, lines, newest, problem}, note}: one fault for each bad chain, the first row that is wrong.
    """
    reading = AnchorFile(anchor_file).read()
    try:
        with transaction(engine) as session:
            found = audit_check.verify(session, reading)
        problem = reading.problem
    except OSError as error:
        with transaction(engine) as session:
            found = audit_check.verify(session, [])
        problem = f"{anchor_file} cannot be read: {error.strerror or error}"
    return {
        "intact": not found.bad_chains and problem is None,
        "rows": found.rows,
        "chains": found.chains,
        "bad_chains": found.bad_chains,
        "faults": [asdict(fault) for fault in found.faults],
        "anchors": {"heads": found.anchors, "lines": reading.lines, "newest": utc(reading.at), "problem": problem},
        "note": "" if found.anchors or problem else _NO_ANCHORS,
    }


def chain_named(session: Session, name: str) -> str:
    """Return the chain of a hold's or customer's name, or `system`; a chain's own name too, as `customer/1005`.

    A customer without a hold is asked about by what happened to its profile.

    Raises:
        UnknownHoldError: there is no such hold, nor customer.
    """
    if name == audit.SYSTEM or credit_limits.customer_of_chain(name) is not None:
        return name
    try:
        return str(holds.find(session, name).id)
    except UnknownHoldError:
        if session.get(Customer, name) is None:
            raise
        return credit_limits.chain_of(name)


def event(row: AuditEvent) -> Document:
    """Return one event. `hash` is `db.audit.digest_of` the rest."""
    return {
        "at": utc(row.at),
        "chain": row.chain,
        "seq": row.seq,
        "actor": row.actor,
        "action": row.action,
        "detail": row.detail,
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    }


def export(
    engine: Engine,
    form: ExportFormat,
    *,
    chain: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[str]:
    """Return the events up to now, oldest first, as pieces of text of some hundred lines each.

    Each page is a transaction of its own: a slow reader holds no connection.
    """
    write = {ExportFormat.JSONL: _json_lines, ExportFormat.CSV: _csv_lines}[form]
    if form is ExportFormat.CSV:
        yield _csv([_COLUMNS])
    with transaction(engine) as session:
        newest = audit.newest_id(session)
    last = 0
    while rows := _page(engine, chain=chain, since=since, until=until, after_id=last, upto_id=newest):
        yield write(rows)
        last = rows[-1].id


def _page(
    engine: Engine, *, chain: str | None, since: datetime | None, until: datetime | None, after_id: int, upto_id: int
) -> Sequence[AuditEvent]:
    with transaction(engine) as session:
        return audit.page(session, chain=chain, since=since, until=until, after_id=after_id, upto_id=upto_id)


def _json(document: Any) -> str:
    return shown_in_json(json.dumps(document, ensure_ascii=False))


def _json_lines(rows: Sequence[AuditEvent]) -> str:
    return "".join(f"{_json(event(row))}\n" for row in rows)


def _csv_lines(rows: Sequence[AuditEvent]) -> str:
    documents = [event(row) | {"detail": _json(row.detail)} for row in rows]
    return _csv([[inert(document[column]) for column in _COLUMNS] for document in documents])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
