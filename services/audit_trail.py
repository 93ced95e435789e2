"""What can be asked of the audit trail as a whole, by the command line and the desk alike: verify it, and export it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.plain_text import shown_in_json
from db import audit, audit_check
from db.anchor_file import AnchorFile
from db.audit_check import FaultKind
from db.engine import transaction
from db.errors import UnknownHoldError
from db.freight import credit_limits
from db.holds import holds
from db.models import AuditEvent, Customer
from db.models.base import JsonObject
from runtime.csv_cells import inert
from services.answers import Answer, Login, Time

_NO_ANCHORS = (
    "Nothing is anchored yet: that rows are missing at a chain's end, or that a chain was rewritten whole, cannot be "
    "seen. The worker anchors by itself; HOLD_AUDIT_ANCHOR_FILE must name the file it writes"
)


class ExportFormat(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"


class Event(Answer):
    """Who did what, when and why."""

    at: Time
    chain: Annotated[str, Field(examples=["system"])]
    """The hold's id, `customer/…`, or `system`."""
    seq: int
    actor: Login
    action: Annotated[str, Field(examples=["policy_changed"])]
    detail: Annotated[JsonObject, Field(examples=[{"version": 4, "why": "as agreed"}])]
    prev_hash: str
    hash: str
    """SHA-256 of the rest, made by `db.audit.digest_of`: it covers the row before."""


class Events(Answer):
    """A page of events, the newest first."""

    events: list[Event]
    next_cursor: str | None


class Fault(Answer):
    """The first thing that is wrong with one chain."""

    chain: str
    seq: int
    kind: FaultKind
    problem: str


class Anchors(Answer):
    """What the rows were compared with: heads of chains, kept outside the database."""

    heads: int
    lines: int
    newest: Time | None
    problem: str | None
    """What is wrong with the anchor file itself."""


class Verified(Answer):
    """What a verification looked at and found."""

    intact: bool
    rows: int
    chains: int
    bad_chains: int
    faults: list[Fault]
    anchors: Anchors
    note: str


_COLUMNS = tuple(Event.model_fields)


def verify(engine: Engine, anchor_file: Path) -> Verified:
    """Verify every chain and the anchor file; about a minute for a million rows."""
    reading = AnchorFile(anchor_file).read()
    try:
        with transaction(engine) as session:
            found = audit_check.verify(session, reading)
        problem = reading.problem
    except OSError as error:
        with transaction(engine) as session:
            found = audit_check.verify(session, [])
        problem = f"{anchor_file} cannot be read: {error.strerror or error}"
    return Verified.of_row(
        found,
        intact=not found.bad_chains and problem is None,
        faults=[Fault.of_row(fault) for fault in found.faults],
        anchors=Anchors(heads=found.anchors, lines=reading.lines, newest=reading.at, problem=problem),
        note="" if found.anchors or problem else _NO_ANCHORS,
    )


def chain_named(session: Session, name: str) -> str:
    """Return the chain of a hold's or customer's name, or `system`; a chain's own name too, as `customer/1005`.

    A customer without a hold is asked about by what happened to its profile.

    Raises:
        UnknownHoldError: there is no such hold, nor customer.
    """
    if name == audit.SYSTEM or credit_limits.customer_of_chain(name) is not None:
        return name
    try:
        return str(holds.named(session, name).id)
    except UnknownHoldError:
        if session.get(Customer, name) is None:
            raise
        return credit_limits.chain_of(name)


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
    return "".join(f"{_json(Event.of_row(row).document())}\n" for row in rows)


def _csv_lines(rows: Sequence[AuditEvent]) -> str:
    documents = [Event.of_row(row).document() | {"detail": _json(row.detail)} for row in rows]
    return _csv([[inert(document[column]) for column in _COLUMNS] for document in documents])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
