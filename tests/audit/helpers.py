"""Chains to tamper with, and the powers of a database's owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ConfigDict
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from activities.anchoring import AnchoringActivities
from credit.audit_entries.entry import Entry
from db import audit, audit_check
from db.anchor_file import AnchorFile
from db.audit_check import Findings
from db.engine import transaction
from tests.owner import as_owner
from workflows.contract import AuditAnchorReport
from workflows.signatures import AnchorAudit

NOW = datetime(2027, 3, 1, 9, 30, 15, 123456, tzinfo=UTC)


def deed(action: str = "deed", /, **detail: object) -> Entry:
    """An entry of any name and detail, as a version that we do not know may have written it."""
    named = {"action": action, "what": "did it", "model_config": ConfigDict(extra="allow"), "__module__": __name__}
    return type("Deed", (Entry,), named)(**detail)


def fill(engine: Engine, chain: str, count: int = 5, *, actor: str = "mike") -> None:
    """Append `count` events to a chain."""
    with transaction(engine) as session:
        for number in range(count):
            entry = deed(f"deed_{number}", amount=f"{number}.00", why="zu spät", before={"b": 1, "a": [None, 1.5]})
            audit.append(session, chain=chain, entry=entry, actor=actor, at=NOW)


@contextmanager
def tampering(engine: Engine) -> Iterator[Session]:
    """What the database's owner can do: the triggers are off until the block ends."""
    with as_owner(engine) as session:
        session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        yield session
        session.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))


def rehash(session: Session, chain: str, *, start: int = 1, end: int = 2**31 - 1) -> None:
    """Give a chain's rows the hashes that they would have, had they been written like this."""
    last = ""
    for event in audit.chain_of(session, chain):
        if start <= event.seq <= end:
            event.prev_hash = last
            event.hash = audit.digest(event)
        last = event.hash
    session.flush()


def verified(engine: Engine, file: Path | None = None) -> Findings:
    with transaction(engine) as session:
        return audit_check.verify(session, AnchorFile(file).read() if file else [])


def faults(engine: Engine, file: Path | None = None) -> list[tuple[str, int, str]]:
    return [(fault.chain, fault.seq, fault.kind) for fault in verified(engine, file).faults]


def anchor(engine: Engine, file: Path, previous: AuditAnchorReport | None = None) -> AuditAnchorReport:
    """One attempt of the activity."""
    order = AnchorAudit(previous=previous, now=datetime.now(UTC))
    return AnchoringActivities(engine, AnchorFile(file))._anchor(order)
