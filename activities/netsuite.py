"""Beat 4: make NetSuite's customer record say `creditHoldOverride = ON`, exactly once, however long it takes.

NetSuite has no field `credit_hold`, the service-hold spec's word (docs/decisions/0013). The steps, each safe to repeat:

1. keep every other push to this record out;
2. give up silently where a newer state is wanted of the record;
3. read, and note the prior value once, before the first write;
4. write only if NetSuite does not say so yet: after a write whose answer was lost, the reading tells;
5. read back, and record what NetSuite says.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.attempts import beat_attempt
from activities.clock import Clock, temporals_clock
from activities.heartbeats import heartbeats
from credit.audit_entries.netsuite import NetSuiteReadBack, NetSuiteSuperseded
from credit.states import Beat
from db import netsuite
from db.act import Act
from db.engine import transaction
from db.holds import beats
from db.models import NetSuiteRecord
from netsuite.client import NetSuiteClient
from netsuite.errors import NetSuiteError
from netsuite.records import CreditHoldOverride
from workflows.signatures import RunBeat


class NetSuiteActivities:
    def __init__(self, engine: Engine, client: NetSuiteClient) -> None:
        self._engine = engine
        self._client = client

    @activity.defn(no_thread_cancel_exception=True)
    def push_netsuite(self, order: RunBeat) -> None:
        """Push what the hold wants of its NetSuite record.

        Raises:
            ApplicationError: typed by the NetSuite error's name, non-retryable where only a person can mend it.
        """
        self._settle(order, Beat.PUSH_NETSUITE, self._push)

    def _settle(self, order: RunBeat, own: Beat, work: Callable[[NetSuiteRecord, Clock], None]) -> None:
        """Run one attempt at a beat, alone on its NetSuite record."""
        now = temporals_clock()
        with beat_attempt(self._engine, order, own) as wanted:
            if not wanted:
                return
            with transaction(self._engine) as session:
                record = netsuite.record_of(session, order.hold_id)
            try:
                if record is not None:
                    with netsuite.serialized(self._engine, record.netsuite_id), heartbeats():
                        work(record, now)
            except NetSuiteError as error:
                raise ApplicationError(
                    str(error),
                    type=type(error).__name__,
                    non_retryable=not error.retryable,
                    next_retry_delay=error.retry_after,
                ) from error
            except netsuite.PushUnderwayError as error:
                raise ApplicationError(str(error), type="PushUnderway") from error
            with transaction(self._engine) as session:
                if beats.done(session, order.hold_id, order.beat, now()) and record is None:
                    entry = NetSuiteSuperseded(why="a later hold decides what NetSuite says of this record")
                    Act.of_system(session, order.now).note(order.hold_id, entry)

    @activity.defn(no_thread_cancel_exception=True)
    def restore_netsuite(self, order: RunBeat) -> None:
        """Write NetSuite's prior value back, once; asks where somebody changed the record meanwhile.

        Raises:
            ApplicationError: as `push_netsuite`; `RestoreAsks`, non-retryable, where a person has to say.
        """
        self._settle(order, Beat.RESTORE_NETSUITE, self._restore)

    def _restore(self, record: NetSuiteRecord, now: Clock) -> None:
        found = self._client.read_customer(record.netsuite_id).credit_hold_override
        if record.prior is None:
            self._note_value(record, found, "never_written", now())
            return
        prior = CreditHoldOverride(record.prior)
        changed = found not in (CreditHoldOverride.ON, prior)
        if (changed or prior is CreditHoldOverride.OFF) and found is not prior and not record.restore_confirmed:
            problem = (
                f"NetSuite says {found} for customer {record.netsuite_id}; before the hold it said {prior}. "
                f"Retry this beat to write {prior}, or skip it to leave {found}"
            )
            raise ApplicationError(problem, type="RestoreAsks", non_retryable=True)
        self._write(record, found, prior, now)

    def _push(self, record: NetSuiteRecord, now: Clock) -> None:
        found = self._client.read_customer(record.netsuite_id).credit_hold_override
        if self._note_prior(record, found, now()):
            self._write(record, found, CreditHoldOverride(record.desired), now)

    def _write(
        self, record: NetSuiteRecord, found: CreditHoldOverride, desired: CreditHoldOverride, now: Clock
    ) -> None:
        netsuite_id = record.netsuite_id
        if found is desired:
            self._note_value(record, found, "already_set", now())
            return
        push = self._begin(record, now())
        try:
            self._client.set_credit_hold_override(netsuite_id, desired)
        except NetSuiteError as error:
            self._end(push, type(error).__name__, now())
            raise
        self._end(push, "written", now())
        said = self._client.read_customer(netsuite_id).credit_hold_override
        self._note_value(record, said, "written", now())
        if said is not desired:
            problem = f"NetSuite took {desired} for customer {netsuite_id} and says {said} when read back"
            raise ApplicationError(problem, type="ReadBackDiffers")

    def _note_prior(self, wanted: NetSuiteRecord, found: CreditHoldOverride, at: datetime) -> bool:
        """Note what was found before the first write; False where something newer is wanted of the record by now."""
        with transaction(self._engine) as session:
            record = netsuite.record_of(session, wanted.hold_id)
            if record is None or record.generation != wanted.generation:
                return False
            netsuite.note_prior(session, record.netsuite_id, record.generation, found, at)
            return True

    def _begin(self, record: NetSuiteRecord, at: datetime) -> UUID:
        with transaction(self._engine) as session:
            return netsuite.begin_push(session, record, at)

    def _end(self, push: UUID, outcome: str, at: datetime) -> None:
        with transaction(self._engine) as session:
            netsuite.end_push(session, push, outcome, at)

    def _note_value(self, record: NetSuiteRecord, said: CreditHoldOverride, how: str, at: datetime) -> None:
        with transaction(self._engine) as session:
            netsuite.note_value(session, record.netsuite_id, record.generation, said, at)
            entry = NetSuiteReadBack(netsuite_id=record.netsuite_id, before=record.prior, after=said, how=how)
            Act.of_system(session, at).note(record.hold_id, entry)
