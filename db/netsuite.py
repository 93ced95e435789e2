"""What NetSuite should say of a record, what it said before, and each attempt to make it say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db import session_locks
from db.models import NetSuitePush, NetSuiteRecord


class PushUnderwayError(Exception):
    """Another push to the same NetSuite record has not ended: try again soon."""

    def __init__(self, netsuite_id: str) -> None:
        super().__init__(f"another push to NetSuite customer {netsuite_id} is under way")


def desire(session: Session, netsuite_id: str, hold_id: UUID, value: str, prior: str | None = None) -> int:
    """Say what NetSuite should say of a record from now on; return the new generation.

    The prior value of an earlier generation is forgotten: this hold notes its own before it writes. Only an adopted
    hold is given one (`prior`): NetSuite says the value already, so a reading would not tell.
    """
    statement = (
        insert(NetSuiteRecord)
        .values(netsuite_id=netsuite_id, hold_id=hold_id, desired=value, generation=1, prior=prior)
        .on_conflict_do_update(
            index_elements=[NetSuiteRecord.netsuite_id],
            set_={
                "hold_id": hold_id,
                "desired": value,
                "generation": NetSuiteRecord.generation + 1,
                "prior": prior,
                "restore_confirmed": False,
                "restore_asked": None,
                "restore_over": None,
            },
        )
        .returning(NetSuiteRecord.generation)
    )
    return session.execute(statement).scalar_one()


def desire_prior(session: Session, hold_id: UUID) -> None:
    """Say that NetSuite should say again what it said before this hold; does nothing where a later hold decides.

    A push of the hold that is still under way carries an older generation from here on, and does nothing.
    """
    record = session.scalars(
        select(NetSuiteRecord).where(NetSuiteRecord.hold_id == hold_id).with_for_update()
    ).one_or_none()
    if record is not None:
        record.desired = record.prior or "AUTO"
        record.generation += 1


def desire_again(session: Session, hold_id: UUID) -> None:
    """Let the value this hold wants be written once more: a new generation, with the prior value that it had."""
    record = record_of(session, hold_id, lock=True)
    if record is not None:
        record.generation += 1


def ask_to_restore(session: Session, wanted: NetSuiteRecord, said: str) -> None:
    """Note that a person is asked whether the prior value may be written over what NetSuite says."""
    record = session.get(NetSuiteRecord, wanted.netsuite_id, with_for_update=True)
    if record is not None and record.generation == wanted.generation:
        record.restore_asked = said


def answer_to_restore(session: Session, hold_id: UUID) -> None:
    """Let the prior value be written over what a person was asked about; where nobody was, nothing is let."""
    record = record_of(session, hold_id, lock=True)
    if record is not None and record.restore_asked is not None:
        record.restore_over, record.restore_asked = record.restore_asked, None


def confirm_restore(session: Session, hold_id: UUID) -> None:
    """Note that a person wants the prior value written whatever NetSuite says."""
    record = record_of(session, hold_id)
    if record is not None:
        record.restore_confirmed = True


def record_of(session: Session, hold_id: UUID, *, lock: bool = False) -> NetSuiteRecord | None:
    """Return the record whose state this hold last decided; None where a later hold has taken it over."""
    query = select(NetSuiteRecord).where(NetSuiteRecord.hold_id == hold_id).execution_options(populate_existing=True)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


@contextmanager
def serialized(engine: Engine, netsuite_id: str) -> Iterator[None]:
    """Keep every other push to this record out until the block ends, across processes and crashes.

    Raises:
        PushUnderwayError: another push has the record.
    """
    with session_locks.one_of(engine, [f"netsuite:{netsuite_id}"]) as held:
        if held is None:
            raise PushUnderwayError(netsuite_id)
        yield


def note_prior(session: Session, wanted: NetSuiteRecord, value: str, at: datetime) -> bool:
    """Note what NetSuite said before this generation's first write, once; False where something newer is wanted."""
    record = session.get(NetSuiteRecord, wanted.netsuite_id, with_for_update=True)
    if record is None or (record.hold_id, record.generation) != (wanted.hold_id, wanted.generation):
        return False
    record.value, record.read_back_at = value, at
    if record.prior is None:
        record.prior = value
    return True


def begin_push(session: Session, record: NetSuiteRecord, at: datetime) -> UUID:
    """Note that a write is about to be sent, and return the push's id."""
    push = NetSuitePush(
        netsuite_id=record.netsuite_id,
        hold_id=record.hold_id,
        generation=record.generation,
        value=record.desired,
        started_at=at,
    )
    session.add(push)
    session.flush()
    return push.id


def end_push(session: Session, push_id: UUID, outcome: str, at: datetime) -> None:
    session.execute(update(NetSuitePush).where(NetSuitePush.id == push_id).values(ended_at=at, outcome=outcome))


def note_value(session: Session, netsuite_id: str, generation: int, value: str, at: datetime) -> None:
    record = session.get_one(NetSuiteRecord, netsuite_id, with_for_update=True)
    if record.generation == generation:
        record.value, record.read_back_at = value, at
