"""The append-only record of who did what, when and why."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select, text
from sqlalchemy.orm import Session

from credit.audit_entries.entry import Entry
from db.models import AuditEvent
from db.models.base import JsonObject
from db.transaction_memory import CHAIN_ENDS

SYSTEM = "system"
"""The chain of what belongs to no hold."""

_ENDS = text("SELECT chain, seq, hash FROM lock_audit_chains(CAST(:chains AS text[]))")


def append(
    session: Session, *, chain: str | UUID, entry: Entry, actor: str, at: datetime, once: str | None = None
) -> None:
    """Append one entry to a chain, linked to the one before it by its hash.

    Appends to one chain queue behind each other until the transaction ends; holds' chains don't wait for one another.
    An entry with the key `once` is appended only if the chain has none with this key.
    """
    chain, detail = str(chain), entry.detail()
    [(seq, prev_hash)] = _ends(session, [chain])
    if once is not None:
        detail["once"] = once
        if session.scalar(select(exists().where(AuditEvent.chain == chain, AuditEvent.detail["once"].astext == once))):
            return
    _add(session, chain, seq + 1, prev_hash, entry.action, detail, actor, at)
    session.flush()


def append_to_each(session: Session, entries: Mapping[str, Entry], *, actor: str, at: datetime) -> None:
    """Append to each of many chains its entry, by a few statements."""
    chains = sorted(entries)
    for chain, (seq, prev_hash) in zip(chains, _ends(session, chains), strict=True):
        entry = entries[chain]
        _add(session, chain, seq + 1, prev_hash, entry.action, entry.detail(), actor, at)
    session.flush()


def _ends(session: Session, chains: Sequence[str]) -> list[tuple[int, str]]:
    """Return the number and the hash of each chain's newest entry: locked, they stay so until the transaction ends."""
    known = {chain: CHAIN_ENDS.recall(session, chain) for chain in chains}
    asked = [chain for chain, end in known.items() if end is None]
    if asked:
        found = {row.chain: (row.seq, row.hash) for row in session.execute(_ENDS, {"chains": asked})}
        known |= {chain: CHAIN_ENDS.remember(session, chain, found.get(chain, (0, ""))) for chain in asked}
    return [end for chain in chains if (end := known[chain]) is not None]


def _add(
    session: Session, chain: str, seq: int, prev_hash: str, action: str, detail: JsonObject, actor: str, at: datetime
) -> None:
    own = digest_of(prev_hash, chain, seq, at, actor, action, detail)
    row = {"chain": chain, "seq": seq, "at": at, "actor": actor, "action": action, "detail": detail}
    session.add(AuditEvent(**row, prev_hash=prev_hash, hash=own))
    CHAIN_ENDS.remember(session, chain, (seq, own))


def digest(event: AuditEvent) -> str:
    """Return the SHA-256 that `event.hash` must be: over the previous hash and the row's own content."""
    return digest_of(event.prev_hash, event.chain, event.seq, event.at, event.actor, event.action, event.detail)


def digest_of(prev_hash: str, chain: str, seq: int, at: datetime, actor: str, action: str, detail: JsonObject) -> str:
    """Return the SHA-256, in hex, of the JSON array of these values, `at` as seconds since 1970.

    The JSON has sorted keys, no spaces, and everything outside ASCII escaped.
    """
    content = [prev_hash, chain, seq, at.timestamp(), actor, action, detail]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chain_of(session: Session, chain: str | UUID) -> Sequence[AuditEvent]:
    """Return a chain's events, oldest first."""
    query = select(AuditEvent).where(AuditEvent.chain == str(chain)).order_by(AuditEvent.seq)
    return session.scalars(query).all()


def search(
    session: Session,
    *,
    chain: str | UUID | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEvent]:
    """Return the newest events that fit, newest first; `before_id` is the `id` of the last one of the page before.

    `since` is the first moment that counts, `until` the first that does not.
    """
    query = _fitting(chain, since, until).order_by(AuditEvent.id.desc()).limit(limit)
    if actor is not None:
        query = query.where(AuditEvent.actor == actor)
    if action is not None:
        query = query.where(AuditEvent.action == action)
    if before_id is not None:
        query = query.where(AuditEvent.id < before_id)
    return session.scalars(query).all()


def newest_seq(session: Session, chain: str | UUID) -> int:
    """Return the `seq` of a chain's newest event, 0 where there is none."""
    end = CHAIN_ENDS.recall(session, str(chain))
    if end is not None:
        return end[0]
    return session.scalar(select(func.max(AuditEvent.seq)).where(AuditEvent.chain == str(chain))) or 0


def newest_id(session: Session) -> int:
    """Return the `id` of the newest event, 0 where there is none: where an export ends."""
    return session.scalar(select(func.max(AuditEvent.id))) or 0


def page(
    session: Session,
    *,
    chain: str | UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after_id: int = 0,
    upto_id: int,
    limit: int = 1000,
) -> Sequence[AuditEvent]:
    """Return the next events of an export, oldest first. Up to an `upto_id` read before, no chain has a gap."""
    query = _fitting(chain, since, until).where(AuditEvent.id > after_id, AuditEvent.id <= upto_id)
    return session.scalars(query.order_by(AuditEvent.id).limit(limit)).all()


def _fitting(chain: str | UUID | None, since: datetime | None, until: datetime | None) -> Select[AuditEvent]:
    query = select(AuditEvent)
    if chain is not None:
        query = query.where(AuditEvent.chain == str(chain))
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    return query
