"""Beat 4: make NetSuite's customer record say `creditHoldOverride = ON`, exactly once, however long it takes.

NetSuite has no field `credit_hold`, the service-hold spec's word (docs/decisions/0013). The steps, each safe to repeat:

1. keep every other push to this record out;
2. give up silently where a newer state is wanted of the record;
3. read, and note the prior value once, before the first write;
4. write only if NetSuite does not say so yet: after a write whose answer was lost, the reading tells;
5. read back, and record what NetSuite says.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.attempts import beat_attempt
from activities.clock import Clock, temporals_clock
from activities.heartbeats import heartbeats
from credit.audit_entries.netsuite import NetSuiteReadBack, NetSuiteSuperseded
from credit.states import Beat
from db import netsuite, session_locks
from db.act import Act
from db.engine import transaction
from db.holds import beats
from db.models import NetSuiteRecord
from netsuite.client import NetSuiteClient
from netsuite.errors import NetSuiteError
from netsuite.records import CreditHoldOverride
from workflows.signatures import RunBeat


@contextmanager
def calling(engine: Engine, calls: Sequence[str]) -> Iterator[None]:
    """Call NetSuite once one of all processes' calls is free; says what an error means for the next try.

    Raises:
        ApplicationError: typed by the NetSuite error's name, or `CallsInUse`.
    """
    try:
        with heartbeats(), session_locks.in_turn(engine, calls):
            yield
    except session_locks.NoTurnError as error:
        in_use = f"all {len(calls)} calls of NetSuite at once are in use (HOLD_NETSUITE_CONCURRENCY)"
        raise ApplicationError(in_use, type="CallsInUse") from error
    except NetSuiteError as error:
        raise ApplicationError(
            str(error), type=type(error).__name__, non_retryable=not error.retryable, next_retry_delay=error.retry_after
        ) from error


class _Said(NamedTuple):
    """What NetSuite says of a record, how it came to, and the push that made it say so."""

    value: CreditHoldOverride
    how: str
    push: UUID | None = None


class NetSuiteActivities:
    def __init__(self, engine: Engine, client: NetSuiteClient, concurrency: int) -> None:
        self._engine = engine
        self._client = client
        self._calls = session_locks.netsuite_calls(concurrency)

    @activity.defn(no_thread_cancel_exception=True)
    def push_netsuite(self, order: RunBeat) -> None:
        """Push what the hold wants of its NetSuite record.

        Raises:
            ApplicationError: typed by the NetSuite error's name, non-retryable where only a person can mend it.
        """
        self._settle(order, Beat.PUSH_NETSUITE, self._push)

    def _settle(self, order: RunBeat, own: Beat, work: Callable[[NetSuiteRecord, Clock], _Said | None]) -> None:
        """Run one attempt at a beat, alone on its NetSuite record."""
        now = temporals_clock()
        with beat_attempt(self._engine, order, own) as wanted:
            if not wanted:
                return
            with transaction(self._engine) as session:
                record = netsuite.record_of(session, order.hold_id)
            if record is None:
                self._superseded(order, now())
                return
            try:
                with (
                    calling(self._engine, self._calls),
                    netsuite.serialized(self._engine, record.netsuite_id),
                ):
                    self._done(order, record, work(record, now), now())
            except netsuite.PushUnderwayError as error:
                raise ApplicationError(str(error), type="PushUnderway") from error

    def _superseded(self, order: RunBeat, at: datetime) -> None:
        with transaction(self._engine) as session:
            if beats.done(session, order.hold_id, order.beat, at):
                entry = NetSuiteSuperseded(why="a later hold decides what NetSuite says of this record")
                Act.of_system(session, order.now).note(order.hold_id, entry)

    def _done(self, order: RunBeat, record: NetSuiteRecord, said: _Said | None, at: datetime) -> None:
        """Write down what NetSuite says, and with it that the beat is done."""
        with transaction(self._engine) as session:
            beats.done(session, order.hold_id, order.beat, at)
            if said is not None:
                _note(session, record, said, at)

    @activity.defn(no_thread_cancel_exception=True)
    def restore_netsuite(self, order: RunBeat) -> None:
        """Write NetSuite's prior value back, once; asks where somebody changed the record meanwhile.

        Raises:
            ApplicationError: as `push_netsuite`; `RestoreAsks`, non-retryable, where a person has to say.
        """
        self._settle(order, Beat.RESTORE_NETSUITE, self._restore)

    def _push(self, record: NetSuiteRecord, now: Clock) -> _Said | None:
        """Write what the hold wants; None where something newer is wanted of the record by now."""
        found = self._client.read_customer(record.netsuite_id).credit_hold_override
        desired = CreditHoldOverride(record.desired)
        with transaction(self._engine) as session:
            if not netsuite.note_prior(session, record, found, now()):
                return None
            if found is desired:
                return _Said(found, "already_set")
            push = netsuite.begin_push(session, record, now())
        return self._write(record, desired, push, now)

    def _restore(self, record: NetSuiteRecord, now: Clock) -> _Said:
        found = self._client.read_customer(record.netsuite_id).credit_hold_override
        if record.prior is None:
            return _Said(found, "never_written")
        prior = CreditHoldOverride(record.prior)
        if found is prior:
            return _Said(found, "already_set")
        somebodys = found is not CreditHoldOverride.ON or prior is CreditHoldOverride.OFF
        if somebodys and not record.restore_confirmed and found != record.restore_over:
            with transaction(self._engine) as session:
                netsuite.ask_to_restore(session, record, found)
            problem = (
                f"NetSuite says {found} for customer {record.netsuite_id}; before the hold it said {prior}. "
                f"Retry this beat to write {prior}, or skip it to leave {found}"
            )
            raise ApplicationError(problem, type="RestoreAsks", non_retryable=True)
        with transaction(self._engine) as session:
            push = netsuite.begin_push(session, record, now())
        return self._write(record, prior, push, now)

    def _write(self, record: NetSuiteRecord, desired: CreditHoldOverride, push: UUID, now: Clock) -> _Said:
        outcome = ""
        try:
            self._client.set_credit_hold_override(record.netsuite_id, desired)
            outcome = "written"
            said = self._client.read_customer(record.netsuite_id).credit_hold_override
        except NetSuiteError as error:
            self._end(push, outcome or type(error).__name__, now())
            raise
        if said is not desired:
            with transaction(self._engine) as session:
                _note(session, record, _Said(said, "written", push), now())
            problem = f"NetSuite took {desired} for customer {record.netsuite_id} and says {said} when read back"
            raise ApplicationError(problem, type="ReadBackDiffers")
        return _Said(said, "written", push)

    def _end(self, push: UUID, outcome: str, at: datetime) -> None:
        with transaction(self._engine) as session:
            netsuite.end_push(session, push, outcome, at)


def _note(session: Session, record: NetSuiteRecord, said: _Said, at: datetime) -> None:
    if said.push is not None:
        netsuite.end_push(session, said.push, "written", at)
    netsuite.note_value(session, record.netsuite_id, record.generation, said.value, at)
    entry = NetSuiteReadBack(netsuite_id=record.netsuite_id, before=record.prior, after=said.value, how=said.how)
    Act.of_system(session, at).note(record.hold_id, entry)
