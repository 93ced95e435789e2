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

from credit.audit_entries.system import AuditExported
from credit.plain_text import shown_in_json
from credit.wording import counted
from db import anchor_file, audit, audit_check
from db.act import Act
from db.anchor_file import AnchorFile, AnchorReading
from db.audit_check import FaultKind
from db.engine import transaction
from db.errors import UnknownHoldError
from db.freight import credit_limits
from db.holds import holds
from db.models import AuditEvent, Customer
from db.models.base import JsonObject
from runtime.csv_cells import inert
from runtime.settings import Settings
from services.answers import Answer, Login, Time

_LOST = (
    "{what}. The database knows of {anchors} there, the last of {at:%Y-%m-%d %H:%M} UTC: without what is missing "
    "nobody can see whether rows were cut off, or a chain was rewritten whole. Put the file back from a copy; where "
    "there is none, find out who changed it, and have the database's owner begin anew: DELETE FROM audit_anchors"
)
_ELSEWHERE = (
    "The anchors cannot be checked here: the database knows of {anchors}, the last of {at:%Y-%m-%d %H:%M} UTC, and "
    "this desk does not know in which file. HOLD_AUDIT_ANCHOR_FILE must name the one that the worker writes"
)
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
    recorded: int
    """How many the database remembers: each must be in the file still."""
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


def verify(engine: Engine, settings: Settings) -> Verified:
    """Verify every chain and the anchor file; about a minute for a million rows.

    What was anchored once must be there: a file that is gone, cut off or another one is as bad as a bad row. Only where
    no setting names the file, and there is none, it may be on the worker's machine: then a note says so.
    """
    file = settings.anchor_file
    with transaction(engine) as session:  # first: whatever they say is in the file by now
        known = anchor_file.remembered(session)
    lines, newest, note, elsewhere = 0, None, "", False
    try:
        elsewhere = bool(known) and settings.audit_anchor_file is None and not file.exists()
        reading = AnchorFile(file).read((one.lines, one.digest) for one in known)
        with transaction(engine) as session:
            found = audit_check.verify(session, reading)
        lines, newest = reading.lines, reading.at
        problem = reading.problem or (None if elsewhere else _missing(file, reading))
    except OSError as error:
        with transaction(engine) as session:
            found = audit_check.verify(session, [])
        problem = f"{file} cannot be read: {error.strerror or error}"
    if known:
        about = {"anchors": counted(len(known), "anchor"), "at": known[-1].at}
        note = _ELSEWHERE.format(**about) if elsewhere else ""
        problem = problem and _LOST.format(what=problem, **about)
    elif not problem and not found.anchors:
        note = _NO_ANCHORS
    return Verified.of_row(
        found,
        intact=not found.bad_chains and problem is None,
        faults=[Fault.of_row(fault) for fault in found.faults],
        anchors=Anchors(heads=found.anchors, lines=lines, newest=newest, recorded=len(known), problem=problem),
        note=note,
    )


def _missing(file: Path, reading: AnchorReading) -> str | None:
    """Say what of the lines that the database knows is not in the file; None where all are."""
    if not reading.unseen:
        return None
    missing = sorted(line for line, _ in reading.unseen)
    if not file.exists():
        return f"{file} is gone"
    if missing[0] > reading.lines:
        return f"{file} was cut off: it has {counted(reading.lines, 'line')} of {missing[-1]}"
    return f"{file} is another one than was written, or was edited: its line {missing[0]} is not the one that was there"


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


def begin_export(
    act: Act, form: ExportFormat, *, name: str | None, since: datetime | None, until: datetime | None
) -> str | None:
    """Note who takes which part of the audit trail away; return the chain of `name` (`chain_named`), None for all.

    Raises:
        UnknownHoldError: there is no such hold, nor customer.
    """
    chain = None if name is None else chain_named(act.session, name)
    act.note(audit.SYSTEM, AuditExported(format=form, chain=chain, since=since, until=until))
    return chain


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
