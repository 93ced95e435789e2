"""One attempt at a beat: counted, and its end written down for everybody to see, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from temporalio.exceptions import ApplicationError, CancelledError

from activities import serving
from credit.audit_entries.holds import BeatFailed
from credit.states import Beat, BeatStatus
from db.act import Act
from db.engine import transaction
from db.holds import beats
from workflows.contract import BEAT_SKIPPED
from workflows.signatures import RunBeat

_ERROR_LIMIT = 2000


@contextmanager
def beat_attempt(engine: Engine, order: RunBeat, *own: Beat) -> Iterator[bool]:
    """Run one attempt at a beat, one of the activity's `own`; gives False where it is done and there is nothing to do.

    An error is written into the beat's row before it is raised on: `needs_attention` where it is non-retryable.

    Raises:
        ApplicationError: `NotServed`, non-retryable: it is not this beat's turn, see `activities/serving.py`;
            `BeatSkipped` or `BeatStopped`, non-retryable: a person wants no attempt.
    """
    with serving.checked(engine) as session:
        serving.beat(session, order, own)
        found = beats.begin(session, order.hold_id, order.beat, order.now)
    if found is not None and found.status is BeatStatus.SKIPPED:
        raise ApplicationError(found.last_error or "skipped", type=BEAT_SKIPPED, non_retryable=True)
    if found is not None and found.status is BeatStatus.NEEDS_ATTENTION:
        raise ApplicationError(found.last_error or "stopped", type="BeatStopped", non_retryable=True)
    try:
        yield found is None
    except CancelledError:
        raise
    except Exception as error:
        hopeless = isinstance(error, ApplicationError) and error.non_retryable
        status = BeatStatus.NEEDS_ATTENTION if hopeless else BeatStatus.RETRYING
        text = str(error)[:_ERROR_LIMIT] or type(error).__name__
        with transaction(engine) as session:
            news = beats.failed(session, order.hold_id, order.beat, status, text)
            if news:
                entry = BeatFailed(beat=order.beat, error=text, status=status)
                Act.of_system(session, order.now).note(order.hold_id, entry)
        raise
