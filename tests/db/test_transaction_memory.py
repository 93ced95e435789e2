"""What a transaction has locked or read is not asked for again; it forgets with its end, and with a savepoint's."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from credit.policy import Policy
from db import audit, customers, policies, policy_change, transaction_memory
from db.act import Act
from db.engine import transaction
from db.models import AuditEvent, Customer
from tests.audit.helpers import NOW, deed
from tests.world import World


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_a_row_is_locked_by_one_statement_also_across_flushes(idle_world: World) -> None:
    customer = idle_world.customer(in_netsuite=False)
    with statements(idle_world.engine) as sent, transaction(idle_world.engine) as session:
        first = customers.lock(session, customer)
        first.name = "another"
        session.flush()
        assert customers.lock(session, customer) is first
    assert len([one for one in sent if "FOR NO KEY UPDATE" in one]) == 1


def test_a_lock_that_a_savepoint_took_with_it_is_taken_again(idle_world: World) -> None:
    customer = idle_world.customer(in_netsuite=False)
    with transaction(idle_world.engine) as session:
        savepoint = session.begin_nested()
        customers.lock(session, customer)
        savepoint.rollback()
        with transaction(idle_world.engine) as other:  # nobody has it now
            other.execute(update(Customer).where(Customer.id == customer).values(name="by another"))
        assert customers.lock(session, customer).name == "by another"


def test_the_next_transaction_of_a_session_remembers_nothing(idle_world: World) -> None:
    customer = idle_world.customer(in_netsuite=False)
    with Session(idle_world.engine) as session:
        with session.begin():
            customers.lock(session, customer)
        with transaction(idle_world.engine) as other:
            other.execute(update(Customer).where(Customer.id == customer).values(name="by another"))
        with session.begin():
            assert customers.lock(session, customer).name == "by another"


def test_an_audit_chain_is_asked_for_its_end_once(engine: Engine) -> None:
    with statements(engine) as sent, transaction(engine) as session:
        for number in range(3):
            audit.append(session, chain="one", entry=deed(f"deed_{number}"), actor="mike", at=NOW)
            assert audit.newest_seq(session, "one") == number + 1
    assert len([one for one in sent if "lock_audit_chains" in one]) == 1


def test_an_audit_chain_is_whole_after_a_savepoint_was_undone(engine: Engine) -> None:
    with transaction(engine) as session:
        audit.append(session, chain="one", entry=deed("kept"), actor="mike", at=NOW)
        savepoint = session.begin_nested()
        audit.append(session, chain="one", entry=deed("undone"), actor="mike", at=NOW)
        savepoint.rollback()
        audit.append(session, chain="one", entry=deed("after"), actor="mike", at=NOW)
    with transaction(engine) as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.chain == "one").order_by(AuditEvent.seq)).all()
    assert [(row.seq, row.action) for row in rows] == [(1, "kept"), (2, "after")]
    assert rows[1].prev_hash == rows[0].hash


def test_a_chain_that_somebody_else_goes_on_with_meanwhile_is_read_behind_the_lock(engine: Engine) -> None:
    """`lock_audit_chains` waits for the lock and reads then: what it waited for is seen."""
    with transaction(engine) as session:
        session.execute(select(1))  # the transaction is open before the other one writes
        with transaction(engine) as other:
            audit.append(other, chain="one", entry=deed("first"), actor="mike", at=NOW)
        audit.append(session, chain="one", entry=deed("second"), actor="mike", at=NOW)
        assert audit.newest_seq(session, "one") == 2


def test_a_transaction_goes_by_one_policy_and_by_the_one_it_has_just_made(engine: Engine) -> None:
    with transaction(engine) as session:
        version, before = policies.current(session)
        with transaction(engine) as other:
            policy_change.change(Act(other, "mike", NOW), _more_days(before), note="by another")
        assert policies.current(session) == (version, before)

        assert policies.newest(session) == (version + 1, _more_days(before))
        assert policies.current(session) == (version + 1, _more_days(before))

        policy_change.change(Act(session, "mike", NOW), _more_days(_more_days(before)), note="by itself")
        assert policies.current(session) == (version + 2, _more_days(_more_days(before)))


def _more_days(policy: Policy) -> Policy:
    return policy.model_copy(update={"trigger_days_overdue": policy.trigger_days_overdue + 1})


def test_kind_12_what_is_remembered_is_of_the_kinds_that_are_named_in_one_place(idle_world: World) -> None:
    customer = idle_world.customer(in_netsuite=False)
    with transaction(idle_world.engine) as session:
        customers.lock(session, customer)
        customers.get(session, customer)
        policies.current(session)
        audit.append(session, chain="one", entry=deed("deed"), actor="mike", at=NOW)
        remembered = {key[0] for key in session.info["transaction memory"]}

    assert len(remembered) == 4
    assert remembered <= {
        kind for kind in vars(transaction_memory).values() if isinstance(kind, transaction_memory.Kind)
    }
