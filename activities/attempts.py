"""One attempt at a beat: counted, and its end written down for everybody to see, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from temporalio.exceptions import ApplicationError, CancelledError

from activities import serving
from credit.audit_entries.holds import BeatFailed
from credit.states import Beat, BeatStatus
from db import transaction_memory
from db.act import Act
from db.engine import transaction
from db.holds import beats
from db.models import Hold, HoldBeat
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
        over = beats.begin(session, order.hold_id, order.beat, order.now)
    _refuse_unwanted(over)
    try:
        yield over is None
    except CancelledError:
        raise
    except Exception as error:
        with transaction(engine) as session:
            _note_failure(Act.of_system(session, order.now), order, error)
        raise


@contextmanager
def beat_in_one_transaction(engine: Engine, order: RunBeat, *own: Beat) -> Iterator[Act | None]:
    """Do as `beat_attempt` for a beat that is all in the database: begun, done and committed at once; None where over.

    The hold is locked.

    Raises:
        ApplicationError: as `beat_attempt`.
    """
    try:
        with serving.acting(engine, order.now) as act:
            transaction_memory.locked(act.session, Hold, order.hold_id)
            serving.beat(act.session, order, own)
            over = beats.begin(act.session, order.hold_id, order.beat, order.now)
            if over is None:
                beats.done(act.session, order.hold_id, order.beat, order.now)
                yield act
    except CancelledError:
        raise
    except Exception as error:
        if not (isinstance(error, ApplicationError) and error.type == serving.NOT_SERVED):
            with transaction(engine) as session:
                beats.begin(session, order.hold_id, order.beat, order.now)
                _note_failure(Act.of_system(session, order.now), order, error)
        raise
    if over is not None:
        _refuse_unwanted(over)
        yield None


def _refuse_unwanted(over: HoldBeat | None) -> None:
    if over is not None and over.status is BeatStatus.SKIPPED:
        raise ApplicationError(over.last_error or "skipped", type=BEAT_SKIPPED, non_retryable=True)
    if over is not None and over.status is BeatStatus.NEEDS_ATTENTION:
        raise ApplicationError(over.last_error or "stopped", type="BeatStopped", non_retryable=True)


def _note_failure(act: Act, order: RunBeat, error: Exception) -> None:
    hopeless = isinstance(error, ApplicationError) and error.non_retryable
    status = BeatStatus.NEEDS_ATTENTION if hopeless else BeatStatus.RETRYING
    text = str(error)[:_ERROR_LIMIT] or type(error).__name__
    if beats.failed(act.session, order.hold_id, order.beat, status, text):
        act.note(order.hold_id, BeatFailed(beat=order.beat, error=text, status=status))
