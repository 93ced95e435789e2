"""The append-only record of who did what, when and why."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from db.models import AuditEvent
from db.models.base import JsonObject

SYSTEM = "system"
"""The chain of what belongs to no hold."""


def append(
    session: Session,
    *,
    chain: str | UUID,
    actor: str,
    action: str,
    at: datetime,
    detail: JsonObject | None = None,
    once: str | None = None,
) -> None:
    """Append one event to a chain, linked to the one before it by its hash.

    Appends to one chain queue behind each other until the transaction ends; chains don't wait for one another.
    An event with the key `once` is appended only if the chain has none with this key.
    """
    chain = str(chain)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"audit:{chain}", 0))))
    if once is not None:
        detail = {**(detail or {}), "once": once}
        if session.scalar(select(exists().where(AuditEvent.chain == chain, AuditEvent.detail["once"].astext == once))):
            return
    last = session.execute(
        select(AuditEvent.seq, AuditEvent.hash)
        .where(AuditEvent.chain == chain)
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    ).one_or_none()
    seq, prev_hash = (last.seq + 1, last.hash) if last else (1, "")
    event = AuditEvent(
        chain=chain, seq=seq, at=at, actor=actor, action=action, detail=detail or {}, prev_hash=prev_hash, hash=""
    )
    event.hash = digest(event)
    session.add(event)
    session.flush()


def digest(event: AuditEvent) -> str:
    """Return the SHA-256 that `event.hash` must be: over the previous hash and the row's own content."""
    content = [event.prev_hash, event.chain, event.seq, event.at.timestamp(), event.actor, event.action, event.detail]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chain_of(session: Session, chain: str | UUID) -> Sequence[AuditEvent]:
    """Return a chain's events, oldest first."""
    query = select(AuditEvent).where(AuditEvent.chain == str(chain)).order_by(AuditEvent.seq)
    return session.scalars(query).all()
