"""Idempotency keys: the first answer to a request is kept, and the same request gets it again.

A key whose first request died without an answer is free again after `ABANDONED_AFTER`, unless the request had written
something by then: that is not done twice (`note_effect`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import AnswerLostError, IdempotencyMismatchError, RequestUnderWayError
from db.models import IdempotencyKey

KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=1)
_PURGED_AT_ONCE = 100


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def begin(session: Session, *, caller: str, key: str, request_sha256: str, now: datetime) -> Answer | None:
    """Take a key for this request, or return the answer that the request got before.

    Raises:
        IdempotencyMismatchError: the key was used for another request.
        RequestUnderWayError: the first request with this key has no answer yet.
        AnswerLostError: it did something, and died before it was answered.
    """
    _purge(session, now)
    fresh = {"caller": caller, "key": key, "request_sha256": request_sha256, "created_at": now}
    taken = insert(IdempotencyKey).values(fresh).on_conflict_do_nothing().returning(IdempotencyKey.key)
    if session.scalar(taken) is not None:
        return None
    row = session.get(IdempotencyKey, (caller, key), with_for_update=True, populate_existing=True)
    if row is None:  # it was given up between the two statements
        raise RequestUnderWayError(key)
    if row.created_at < now - KEPT_FOR:
        row.request_sha256, row.created_at, row.status, row.effect_at = request_sha256, now, None, None
        return None
    if row.request_sha256 != request_sha256:
        raise IdempotencyMismatchError(key)
    if row.status is not None:
        return Answer(row.status, row.headers or {}, row.body or "")
    if row.created_at > now - ABANDONED_AFTER:
        raise RequestUnderWayError(key)
    if row.effect_at is not None:
        raise AnswerLostError(key, row.effect_at)
    row.created_at = now
    return None


def note_effect(session: Session, *, caller: str, key: str, began_at: datetime) -> None:
    """Note that the request that took the key at `began_at` has written something, if this transaction has."""
    wrote = func.pg_current_xact_id_if_assigned().is_not(None)
    noted = update(IdempotencyKey).where(*_taken_at(caller, key, began_at), IdempotencyKey.effect_at.is_(None), wrote)
    session.execute(noted.values(effect_at=func.now()))


def keep(session: Session, *, caller: str, key: str, began_at: datetime, answer: Answer) -> None:
    """Keep the answer of the request that took the key at `began_at`; one that was given up meanwhile keeps nothing."""
    session.execute(
        update(IdempotencyKey)
        .where(*_taken_at(caller, key, began_at))
        .values(status=answer.status, headers=answer.headers, body=answer.body)
    )


def give_up(session: Session, *, caller: str, key: str, began_at: datetime) -> None:
    """Free the key of a request that failed without an answer worth keeping; not where it had written something."""
    mine = _taken_at(caller, key, began_at)
    session.execute(delete(IdempotencyKey).where(*mine, IdempotencyKey.effect_at.is_(None)))
    session.execute(update(IdempotencyKey).where(*mine).values(created_at=began_at - ABANDONED_AFTER))


def _taken_at(caller: str, key: str, began_at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        IdempotencyKey.caller == caller,
        IdempotencyKey.key == key,
        IdempotencyKey.created_at == began_at,
        IdempotencyKey.status.is_(None),
    )


def _purge(session: Session, now: datetime) -> None:
    """Delete some expired keys; what others are deleting right now is left to them."""
    expired = (
        select(IdempotencyKey.caller, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < now - KEPT_FOR)
        .limit(_PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(IdempotencyKey).where(tuple_(IdempotencyKey.caller, IdempotencyKey.key).in_(expired)))
