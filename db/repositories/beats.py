"""Where each beat of a hold stands. An attempt begins, then ends as done, retrying or needing attention."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.states import Beat, BeatStatus
from db.models import HoldBeat

_OVER = (BeatStatus.DONE, BeatStatus.SKIPPED)


def plan(session: Session, hold_id: UUID) -> None:
    """Write the four pending beats of an approved hold."""
    session.add_all(HoldBeat(hold_id=hold_id, beat=beat, status=BeatStatus.PENDING) for beat in Beat)


def begin(session: Session, hold_id: UUID, beat: Beat, at: datetime) -> bool:
    """Begin an attempt and count it; False where the beat is over and there is nothing to do."""
    row = session.get_one(HoldBeat, (hold_id, beat), with_for_update=True)
    if row.status in _OVER:
        return False
    row.status = BeatStatus.RUNNING if row.attempts == 0 else BeatStatus.RETRYING
    row.attempts += 1
    row.started_at = row.started_at or at
    return True


def done(session: Session, hold_id: UUID, beat: Beat, at: datetime) -> bool:
    """End an attempt well; False where an earlier attempt already did."""
    row = session.get_one(HoldBeat, (hold_id, beat), with_for_update=True)
    if row.status in _OVER:
        return False
    row.status, row.done_at, row.last_error = BeatStatus.DONE, at, None
    return True


def failed(session: Session, hold_id: UUID, beat: Beat, status: BeatStatus, error: str) -> bool:
    """End an attempt badly: `retrying`, or `needs_attention` where no retry can mend it. True where that is news."""
    row = session.get_one(HoldBeat, (hold_id, beat), with_for_update=True)
    if row.status in _OVER:
        return False
    news = row.last_error != error
    row.status, row.last_error = status, error
    return news


def unfinished(session: Session, hold_id: UUID) -> list[Beat]:
    """Return the beats that are not over, in the spec's order."""
    rows = session.scalars(select(HoldBeat.beat).where(HoldBeat.hold_id == hold_id, HoldBeat.status.not_in(_OVER)))
    standing = set(rows)
    return [beat for beat in Beat if beat in standing]
