"""The schema: migrations and models agree, and wrong states are impossible."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Numeric, create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from credit.states import Beat, BeatStatus, HoldStatus, ProposalKind, ProposalStatus, Verdict
from db import audit, migrate, policies, policy_change
from db.act import Act
from db.engine import transaction
from db.models import (
    Absence,
    Base,
    Claim,
    Customer,
    Decision,
    Hold,
    HoldBeat,
    Invoice,
    Proposal,
    User,
    WorkflowDefinition,
)
from starter.stack.postgres import OWNER, Postgres
from tests.audit.helpers import deed
from tests.owner import as_owner

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def empty_url(postgres: Postgres) -> Iterator[str]:
    name = f"empty_{uuid4().hex}"
    postgres.create_database(name)
    yield postgres.url(name, OWNER)
    postgres.drop_database(name)


def test_upgrade_from_empty_gives_what_the_models_say(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    with create_engine(empty_url, poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_downgrade_leaves_nothing(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = create_engine(empty_url, poolclass=NullPool)
    with engine.connect() as connection:
        config = migrate._config(empty_url)
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        assert inspect(connection).get_table_names() == ["alembic_version"]
    migrate.upgrade(empty_url)


def test_a_hold_that_a_foreign_workflow_took_over_is_given_back(empty_url: str) -> None:
    """A version before `0013` believed any workflow id."""
    engine = create_engine(empty_url, poolclass=NullPool)
    with engine.connect() as connection:
        config = migrate._config(empty_url)
        config.attributes["connection"] = connection
        before = ScriptDirectory.from_config(config).get_revision("0013").down_revision
        command.upgrade(config, before)
        connection.execute(text("INSERT INTO customers (id, name, netsuite_id) VALUES ('C-1', 'C', 'N-1')"))
        connection.execute(
            text(
                "INSERT INTO holds (id, customer_id, status, reason, warnings, workflow_id, run_id, proposed_at)"
                " VALUES (gen_random_uuid(), 'C-1', 'in_force', 'x', '[]', 'evil-id-3', 'r', now())"
            )
        )
        connection.commit()
    migrate.upgrade(empty_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT workflow_id FROM holds")).scalars().all() == ["service-hold/C-1"]
        with pytest.raises(DBAPIError, match="generated column"):
            connection.execute(text("UPDATE holds SET workflow_id = 'evil-id-3'"))


def test_what_the_version_before_was_asked_is_not_told_anew_and_its_untold_events_are(empty_url: str) -> None:
    engine = create_engine(empty_url, poolclass=NullPool)
    with engine.connect() as connection:
        config = migrate._config(empty_url)
        config.attributes["connection"] = connection
        command.upgrade(config, ScriptDirectory.from_config(config).get_revision("0015").down_revision)
        with Session(connection) as session:
            customer(session)
            held = hold(session, status=HoldStatus.IN_FORCE)
            noted = "INSERT INTO audit_events (chain, seq, at, actor, action, detail, prev_hash, hash)"
            session.execute(text(f"{noted} VALUES (:chain, 1, now(), 'erp', 'x', '{{}}', '', '')"), {"chain": held.id})
            asked = "INSERT INTO hold_requests (id, what, customer_id, kind, reason, actor, asked_at)"
            session.execute(text(f"{asked} VALUES ('1', 'trigger', 'C1', 'manual', 'x', 'robin', now())"))
            told = "INSERT INTO inbound_events (source, id, kind, customer_id, payload, received_at, hold_id, tell)"
            session.execute(
                text(f"{told} VALUES ('erp', 'e1', 'payment', 'C1', '{{}}', now(), :hold, '[]')"), {"hold": held.id}
            )
            session.commit()
        connection.commit()
    migrate.upgrade(empty_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT handled_at = asked_at FROM hold_requests")).scalars().all() == [True]
        assert connection.execute(text("SELECT noted, handled_at FROM inbound_events")).all() == [(1, None)]


def test_every_amount_of_money_is_numeric() -> None:
    amounts = [
        column
        for table in Base.metadata.tables.values()
        for column in table.columns
        if "amount" in column.name or column.name in ("credit_limit", "exposure")
    ]
    assert amounts
    assert all(isinstance(column.type, Numeric) and column.type.asdecimal for column in amounts)


def test_spec_row_of_the_workflow_is_there(engine: Engine) -> None:
    with transaction(engine) as session:
        row = session.get_one(WorkflowDefinition, "service_hold_trigger")
    assert (row.risk_level, row.expected_duration_minutes, row.trigger) == (4, 15, "event")
    assert row.sources == ["ar_aging_tick_threshold", "manual"]


def customer(session: Session, name: str = "C1", netsuite_id: str = "N1") -> Customer:
    row = Customer(id=name, name=name, netsuite_id=netsuite_id)
    session.add(row)
    session.flush()
    return row


def hold(session: Session, name: str = "C1", status: HoldStatus = HoldStatus.PROPOSED, **more: Any) -> Hold:
    row = Hold(
        id=uuid4(),
        customer_id=name,
        status=status,
        reason="x",
        warnings=[],
        run_id="r",
        proposed_at=NOW,
        **more,
    )
    session.add(row)
    session.flush()
    return row


def proposal(session: Session, of: Hold, **more: Any) -> Proposal:
    values = {"kind": ProposalKind.PLACE, "status": ProposalStatus.OPEN, "revision": 1, "settled_at": None} | more
    row = Proposal(hold_id=of.id, facts={}, warnings=[], note="", policy_version=1, opened_at=NOW, due_at=NOW, **values)
    session.add(row)
    session.flush()
    return row


def claim(session: Session, of: Proposal) -> Claim:
    row = Claim(proposal_id=of.id, holder="mike", claimed_at=NOW, expires_at=NOW + timedelta(minutes=1))
    session.add(row)
    session.flush()
    return row


def decision(session: Session, of: Proposal, by: Claim) -> None:
    row = Decision(
        proposal_id=of.id,
        hold_id=of.hold_id,
        claim_id=by.id,
        revision=1,
        verdict=Verdict.APPROVE,
        reason="x",
        actor="mike",
        decided_at=NOW,
        effective_at=NOW,
    )
    session.add(row)
    session.flush()


def refused(engine: Engine, what: Any) -> str:
    def attempt() -> None:
        with transaction(engine) as session:
            customer(session)
            what(session)

    with pytest.raises(IntegrityError) as caught:
        attempt()
    return str(caught.value.orig)


def test_customer_has_one_open_hold(engine: Engine) -> None:
    def twice(session: Session) -> None:
        hold(session, status=HoldStatus.DECLINED, closed_at=NOW)
        hold(session, status=HoldStatus.IN_FORCE)
        hold(session)

    assert "uq_holds_one_open" in refused(engine, twice)


def test_closed_hold_says_when(engine: Engine) -> None:
    assert "closed_when_over" in refused(engine, lambda session: hold(session, status=HoldStatus.DECLINED))


def test_hold_has_one_open_proposal(engine: Engine) -> None:
    def twice(session: Session) -> None:
        one = hold(session)
        proposal(session, one)
        proposal(session, one, revision=2)

    assert "uq_proposals_one_open" in refused(engine, twice)


def test_proposal_has_one_live_claim(engine: Engine) -> None:
    def twice(session: Session) -> None:
        one = proposal(session, hold(session))
        claim(session, one)
        claim(session, one)

    assert "uq_claims_one_live" in refused(engine, twice)


def test_proposal_has_one_decision(engine: Engine) -> None:
    def twice(session: Session) -> None:
        one = proposal(session, hold(session))
        by = claim(session, one)
        decision(session, one, by)
        decision(session, one, by)

    assert "uq_decisions_proposal_id" in refused(engine, twice)


def test_decision_needs_a_claim_on_the_same_proposal(engine: Engine) -> None:
    def strange(session: Session) -> None:
        first = proposal(session, hold(session), status=ProposalStatus.APPROVED, settled_at=NOW)
        customer(session, "C2", "N2")
        other = proposal(session, hold(session, "C2"))
        decision(session, first, claim(session, other))

    assert "fk_decisions_claim_id" in refused(engine, strange)


def test_netsuite_record_belongs_to_one_customer(engine: Engine) -> None:
    assert "uq_customers_netsuite_id" in refused(engine, lambda session: customer(session, "C2", "N1"))


def test_beat_that_is_done_says_when(engine: Engine) -> None:
    def odd(session: Session) -> None:
        session.add(HoldBeat(hold_id=hold(session).id, beat=Beat.PUSH_NETSUITE, status=BeatStatus.DONE))
        session.flush()

    assert "done_when_done" in refused(engine, odd)


def test_beat_that_needs_attention_says_since_when(engine: Engine) -> None:
    def odd(session: Session) -> None:
        session.add(HoldBeat(hold_id=hold(session).id, beat=Beat.PUSH_NETSUITE, status=BeatStatus.NEEDS_ATTENTION))
        session.flush()

    assert "attention_since" in refused(engine, odd)


def test_beats_that_were_stopped_before_they_began_are_cured(empty_url: str) -> None:
    """The version before left them without a time."""
    migrate.upgrade(empty_url)
    made = create_engine(empty_url, poolclass=NullPool)
    with made.connect() as connection:
        config = migrate._config(empty_url)
        config.attributes["connection"] = connection
        command.downgrade(config, ScriptDirectory.from_config(config).get_revision("0014").down_revision)
        connection.commit()
    with Session(made) as session:
        customer(session)
        session.add(HoldBeat(hold_id=hold(session).id, beat=Beat.PUSH_NETSUITE, status=BeatStatus.NEEDS_ATTENTION))
        session.commit()
    migrate.upgrade(empty_url)
    with Session(made) as session:
        assert session.scalars(select(HoldBeat.started_at)).all() == [NOW]
    made.dispose()


def test_one_time_passwords_get_a_day_and_absences_a_year(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    made = create_engine(empty_url, poolclass=NullPool)
    with made.connect() as connection:
        config = migrate._config(empty_url)
        config.attributes["connection"] = connection
        command.downgrade(config, ScriptDirectory.from_config(config).get_revision("0023").down_revision)
        connection.commit()
    with made.begin() as connection:
        for login, one_time in (("anna", False), ("dana", True)):
            values = {"login": login, "one_time": one_time}
            connection.execute(
                text(
                    "INSERT INTO users (id, login, name, role, one_time_password, created_at) "
                    "VALUES (gen_random_uuid(), :login, '', 'approver', :one_time, now() - interval '1 year')"
                ),
                values,
            )
        for days in (30, 36525):
            connection.execute(
                text(
                    "INSERT INTO absences (id, login, delegate, starts_at, ends_at, reason, created_by, created_at) "
                    "VALUES (gen_random_uuid(), 'anna', 'dana', now(), now() + make_interval(days => :days), 'x', 'x', "
                    "now())"
                ),
                {"days": days},
            )
    migrate.upgrade(empty_url)
    with Session(made) as session:
        now = datetime.now(UTC)
        ends = dict(session.execute(select(User.login, User.one_time_until)).all())
        assert ends["anna"] is None
        assert ends["dana"] is not None
        assert timedelta(hours=23) < ends["dana"] - now <= timedelta(hours=24)
        lasts = session.scalars(select(Absence.ends_at - Absence.starts_at)).all()
        assert sorted(one.days for one in lasts) == [30, 366]
    made.dispose()


def test_invoice_is_never_negative(engine: Engine) -> None:
    def negative(session: Session) -> None:
        session.add(
            Invoice(
                id="I",
                customer_id="C1",
                due_date=date(2026, 1, 1),
                amount_open=-1,
                source_amount=-1,
                source_currency="USD",
            )
        )
        session.flush()

    assert "amount_not_negative" in refused(engine, negative)


def test_unknown_status_is_refused(engine: Engine) -> None:
    def odd(session: Session) -> None:
        session.add(HoldBeat(hold_id=hold(session).id, beat=Beat.PUSH_NETSUITE, status=BeatStatus.PENDING))
        session.flush()
        session.execute(text("UPDATE hold_beats SET status = 'odd'"))

    assert "ck_hold_beats_status" in refused(engine, odd)


@pytest.mark.parametrize("table", ["audit_events", "policies", "auto_decisions", "message_revisions"])
def test_append_only_tables_have_their_triggers(engine: Engine, table: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), as_owner(engine) as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))
    names = "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND NOT tgisinternal"
    with transaction(engine) as session:
        triggers = set(session.scalars(text(names), {"table": table}))
    assert triggers == {f"{table}_append_only", f"{table}_no_truncate"}


@pytest.mark.parametrize("deed", ["DELETE FROM policies", "UPDATE policies SET note = 'altered'"])
def test_append_only_rows_are_never_changed(engine: Engine, deed: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), as_owner(engine) as session:
        session.execute(text(deed))


def test_audit_events_are_chained_and_naive_times_refused(engine: Engine) -> None:
    with transaction(engine) as session:
        for action in ("one", "two"):
            audit.append(session, chain="c", entry=deed(action, amount="1.00"), actor="a", at=NOW)
        audit.append(session, chain="c", entry=deed("three"), actor="a", at=NOW, once="k")
        audit.append(session, chain="c", entry=deed("three"), actor="a", at=NOW, once="k")
    with transaction(engine) as session:
        first, second, third = audit.chain_of(session, "c")
        assert (first.prev_hash, second.prev_hash, third.prev_hash) == ("", first.hash, second.hash)
        assert [audit.digest(event) for event in (first, second, third)] == [first.hash, second.hash, third.hash]
    with pytest.raises(Exception, match="time zone"), transaction(engine) as session:
        audit.append(session, chain="c", entry=deed("four"), actor="a", at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_policy_versions_only_grow(engine: Engine) -> None:
    with transaction(engine) as session:
        version, policy = policies.current(session)
        changed = policy.model_copy(update={"trigger_days_overdue": 120})
        assert policy_change.change(Act(session, "mike", NOW), changed, note="calmer") == version + 1
    with transaction(engine) as session:
        assert policies.current(session) == (version + 1, changed)
