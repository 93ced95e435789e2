"""Where each beat of a hold stands. An attempt begins, then ends as done, retrying or needing attention."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from credit.states import BEAT_OVER, PLACING, Beat, BeatStatus
from db import transaction_memory
from db.models import HoldBeat


def plan(session: Session, hold_id: UUID, wanted: Iterable[Beat] = PLACING) -> None:
    """Write the pending beats of an approved hold, or of its release."""
    session.add_all(HoldBeat(hold_id=hold_id, beat=beat, status=BeatStatus.PENDING) for beat in wanted)


def lock(session: Session, hold_id: UUID, beat: Beat) -> HoldBeat:
    """Return a planned beat's row, locked.

    Raises:
        NoResultFound: it was not planned.
    """
    row = planned(session, hold_id, beat)
    if row is None:
        raise NoResultFound(f"{beat} of {hold_id} was not planned")
    return row


def planned(session: Session, hold_id: UUID, beat: Beat) -> HoldBeat | None:
    """Return a beat's row, locked; None where it was not planned."""
    return transaction_memory.locked(session, HoldBeat, (hold_id, beat))


def skip(session: Session, hold_id: UUID, beat: Beat, reason: str) -> None:
    """End a beat undone, and say why; one that is over stays as it is."""
    row = lock(session, hold_id, beat)
    if row.status not in BEAT_OVER:
        row.status, row.last_error = BeatStatus.SKIPPED, reason


def begin(session: Session, hold_id: UUID, beat: Beat, at: datetime) -> HoldBeat | None:
    """Begin an attempt and count it; gives the beat instead where it is over, or was stopped, and nothing is to do."""
    row = lock(session, hold_id, beat)
    if row.status in BEAT_OVER:
        return row
    if row.stopped is not None:
        row.status, row.last_error = BeatStatus.NEEDS_ATTENTION, row.stopped
        return row
    row.status = BeatStatus.RUNNING if row.attempts == 0 else BeatStatus.RETRYING
    row.attempts += 1
    row.started_at = row.started_at or at
    return None


def stop(session: Session, hold_id: UUID, beat: Beat, why: str, *, at: datetime) -> None:
    """Let nobody try a beat before it is retried; one that is over stays as it is."""
    row = lock(session, hold_id, beat)
    if row.status not in BEAT_OVER:
        row.stopped, row.status, row.last_error = why, BeatStatus.NEEDS_ATTENTION, why
        row.started_at = row.started_at or at  # it waits for a person from now on, though it was never tried


def allow(session: Session, hold_id: UUID, beat: Beat) -> None:
    """Let a stopped beat be tried again."""
    lock(session, hold_id, beat).stopped = None


def done(session: Session, hold_id: UUID, beat: Beat, at: datetime) -> bool:
    """End an attempt well; False where an earlier attempt already did."""
    row = lock(session, hold_id, beat)
    if row.status in BEAT_OVER:
        return False
    row.status, row.done_at, row.last_error = BeatStatus.DONE, at, None
    return True


def failed(session: Session, hold_id: UUID, beat: Beat, status: BeatStatus, error: str) -> bool:
    """End an attempt badly: `retrying`, or `needs_attention` where no retry can mend it. True where that is news."""
    row = lock(session, hold_id, beat)
    if row.status in BEAT_OVER:
        return False
    news = row.last_error != error
    row.status, row.last_error = status, error
    return news


def again(session: Session, hold_id: UUID, beat: Beat) -> None:
    """Let a beat that is over run once more: what it did was undone from outside."""
    row = lock(session, hold_id, beat)
    row.status, row.done_at, row.last_error, row.stopped = BeatStatus.PENDING, None, None, None


def unfinished(session: Session, hold_id: UUID) -> list[Beat]:
    """Return the beats that are not over, in the service-hold spec's order."""
    rows = session.scalars(select(HoldBeat.beat).where(HoldBeat.hold_id == hold_id, HoldBeat.status.not_in(BEAT_OVER)))
    standing = set(rows)
    return [beat for beat in Beat if beat in standing]
