"""Verify the audit trail: find the first row of each chain that is not as it was written.

A chain shows by itself that no row was altered, removed or put in between. That its end or all of it was removed, or
that it was rewritten with new hashes, only an anchor shows: a head kept outside the database. Rows newer than the last
anchor, and rows that the database's owner adds at the end, nothing can vouch for.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

from psycopg import Connection
from pydantic import Field
from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from db.audit import digest_of
from db.models import AuditEvent

_LISTED = 1000
"""Faults that are described; all are counted."""

_CREATE = "CREATE TEMPORARY TABLE audit_heads (chain varchar, seq integer, hash varchar) ON COMMIT DROP"
_COPY = "COPY audit_heads (chain, seq, hash) FROM STDIN"

# One statement is one snapshot. It begins after the anchors were read, so it has every row they name. What Python
# cannot hold (a time past year 9999, a number of thousands of digits) was not written by us: it must not stop us.
_WALK = """
SELECT chain, seq, CASE WHEN at BETWEEN '0001-01-02Z' AND '9999-12-30Z' THEN at END AS at, actor, action,
       detail::text AS detail, prev_hash, hash, false AS anchored
FROM audit_events
UNION ALL
SELECT chain, seq, NULL, NULL, NULL, NULL, NULL, hash, true FROM audit_heads
ORDER BY chain, seq
"""

_UNANCHORED = """
SELECT head.chain, head.seq, head.hash
FROM (SELECT DISTINCT ON (chain) chain, seq, hash FROM audit_events ORDER BY chain DESC, seq DESC) head
LEFT JOIN (SELECT chain, max(seq) AS seq FROM audit_heads GROUP BY chain) anchored USING (chain)
WHERE anchored.seq IS NULL OR head.seq > anchored.seq
ORDER BY head.chain
"""


class Head(NamedTuple):
    """The last row of a chain, as it was when it was anchored."""

    chain: Annotated[str, Field(pattern=r"^[^\x00]*$")]
    seq: Annotated[int, Field(ge=1, lt=2**31)]
    hash: Annotated[str, Field(pattern=r"^[^\x00]*$")]


class FaultKind(StrEnum):
    """What is wrong with a chain."""

    ALTERED = "altered"
    """The row's content does not fit its hash."""
    MISSING = "missing"
    """The row is gone, later ones are there."""
    INSERTED = "inserted"
    """The row stands where none was written."""
    REPLACED = "replaced"
    """The row fits its own hash, and the next row was written after another one."""
    CUT_OFF = "cut_off"
    """This row and all after it are gone."""
    DELETED = "deleted"
    """The whole chain is gone."""
    CONTRADICTED = "contradicted"
    """The row fits its chain, and an anchor knows another one: the chain was rewritten."""


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong with one chain."""

    chain: str
    seq: int
    kind: FaultKind
    problem: str


@dataclass
class Findings:
    """What a verification looked at and found."""

    rows: int = 0
    chains: int = 0
    anchors: int = 0
    """Anchored heads that the rows were compared with."""
    bad_chains: int = 0
    faults: list[Fault] = field(default_factory=list)
    """One for each bad chain, the first thousand."""


def verify(session: Session, anchors: Iterable[Head]) -> Findings:
    """Walk every chain and compare it with the anchors: all of the anchors first, then all rows in one snapshot.

    Rows stream by; memory does not grow with them. About a minute for a million rows.
    """
    _load(session, anchors)
    findings = Findings()
    rows = session.execute(text(_WALK), execution_options={"yield_per": 2000})
    for chain, of_chain in groupby(_counted(rows, findings), attrgetter("chain")):
        findings.chains += 1
        fault = _first_fault(chain, of_chain)
        if fault is not None:
            findings.bad_chains += 1
            if len(findings.faults) < _LISTED:
                findings.faults.append(fault)
    return findings


def unanchored(session: Session, anchors: Iterable[Head]) -> Iterator[Head]:
    """Return the heads of the chains that are longer than any anchor knows, in the order of their chains."""
    _load(session, anchors)
    rows = session.execute(text(_UNANCHORED), execution_options={"yield_per": 2000})
    return (Head(row.chain, row.seq, row.hash) for row in rows)


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(AuditEvent)) or 0


def _load(session: Session, anchors: Iterable[Head]) -> None:
    session.execute(text(_CREATE))
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(f"a verification needs psycopg 3, not {type(connection).__name__}")
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for head in anchors:
            copy.write_row(head)
    session.execute(text("ANALYZE audit_heads"))


def _counted(rows: Iterable[Row[Any]], findings: Findings) -> Iterator[Row[Any]]:
    for row in rows:
        if row.anchored:
            findings.anchors += 1
        else:
            findings.rows += 1
        yield row


def _first_fault(chain: str, of_chain: Iterator[Row[Any]]) -> Fault | None:
    expected, last_hash, vouched_for = 1, "", 0
    positions = groupby(of_chain, attrgetter("seq"))
    for seq, at_position in positions:
        here = list(at_position)
        rows, anchored = [row for row in here if not row.anchored], [row.hash for row in here if row.anchored]
        if not rows:
            more = any(not row.anchored for _, later in positions for row in later)
            return _gone(chain, expected, anchored_at=seq, more=more)
        if seq > expected:
            gap = f"row {expected} is" if seq == expected + 1 else f"rows {expected} to {seq - 1} are"
            return Fault(chain, expected, FaultKind.MISSING, f"{gap} missing")
        if seq < expected or len(rows) > 1:
            return Fault(chain, seq, FaultKind.INSERTED, f"row {seq} was put in where none was written")
        [row] = rows
        if not _fits_its_hash(row):
            problem = f"row {seq} was altered, or stands in another place than it was written"
            return Fault(chain, seq, FaultKind.ALTERED, problem)
        if row.prev_hash != last_hash:
            replaced = max(seq - 1, 1)
            problem = f"row {seq} was written after another row than the one before it: row {replaced} was replaced"
            return Fault(chain, replaced, FaultKind.REPLACED, problem)
        if any(known != row.hash for known in anchored):
            problem = (
                f"an anchor knows another row {seq}: the chain was rewritten with new hashes, from one of the rows "
                f"{vouched_for + 1} to {seq} on"
            )
            return Fault(chain, seq, FaultKind.CONTRADICTED, problem)
        expected, last_hash = seq + 1, row.hash
        vouched_for = seq if anchored else vouched_for
    return None


def _gone(chain: str, expected: int, *, anchored_at: int, more: bool) -> Fault:
    if more:
        return Fault(chain, expected, FaultKind.MISSING, f"row {expected} is missing")
    if expected == 1:
        problem = f"the whole chain is gone: an anchor knows its row {anchored_at}"
        return Fault(chain, expected, FaultKind.DELETED, problem)
    problem = f"the chain ends before row {expected}: an anchor knows its row {anchored_at}"
    return Fault(chain, expected, FaultKind.CUT_OFF, problem)


def _fits_its_hash(row: Row[Any]) -> bool:
    if row.at is None:
        return False
    try:
        detail = json.loads(row.detail)
        wanted = digest_of(row.prev_hash, row.chain, row.seq, row.at, row.actor, row.action, detail)
    except (ValueError, RecursionError):
        return False
    return bool(row.hash == wanted)
