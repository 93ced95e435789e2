"""What each of the database's roles may do: every table, tried or asked of PostgreSQL itself."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import errors
from pydantic import SecretStr
from sqlalchemy import Column, Connection, Engine, String, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from db import migrate, roles
from db.models import Base
from db.receivables.ledger_import import merge
from db.roles import READ, WORK
from runtime.settings import Settings
from starter.stack import doctor
from starter.stack.postgres import OWNER, Postgres
from tests.owner import cluster
from tests.receivables.files import make_import

_TABLES = sorted(Base.metadata.tables)
_APPEND_ONLY = [
    "approvals", "audit_anchors", "audit_events", "auto_decisions", "content_templates", "hold_triggers", "imports",
    "message_revisions", "payments", "policies", "reflexion_log", "release_requests", "risk_events",
    "workflow_definitions",
]  # fmt: skip
_SECRETS = {
    "api_tokens": ["sha256"],
    "device_codes": ["device_sha256", "user_sha256"],
    "idempotency_keys": ["body"],
    "known_devices": ["sha256"],
    "user_sessions": ["csrf_token", "sha256"],
    "users": ["password_hash"],
}
_NO_SECRETS = {
    "audit_anchors.digest",
    "audit_events.hash",
    "audit_events.prev_hash",
    "idempotency_keys.request_sha256",
    "imports.sha256",
    "tariffs.code",
}
"""Texts that are named like secrets, and are none."""
_EVERY = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]


def named_like_a_secret(column: Column[object]) -> bool:
    words = ("hash", "sha256", "secret", "token", "password", "csrf", "digest", "code", "otp")
    return isinstance(column.type, String) and any(word in column.name for word in words)


def test_what_is_append_only_and_what_is_secret_is_written_down() -> None:
    assert roles.append_only() == _APPEND_ONLY
    columns = [(table, column) for table in Base.metadata.tables.values() for column in table.columns]
    secret = {f"{table.name}.{column.name}" for table, column in columns if column.info.get("secret")}
    assert secret == {f"{table}.{column}" for table, those in _SECRETS.items() for column in those}
    assert {f"{table.name}.{column.name}" for table, column in columns if named_like_a_secret(column)} - secret == (
        _NO_SECRETS
    )


@pytest.fixture
def as_role(database_url: str) -> Iterator[Callable[[str], Connection]]:
    engines = []

    def connect(role: str) -> Connection:
        url = cluster[0].url(database_url.rpartition("/")[2], role)
        engines.append(create_engine(url, poolclass=NullPool))
        return engines[-1].connect()

    yield connect
    for made in engines:
        made.dispose()


def may(connection: Connection, table: str) -> list[str]:
    asked = text("SELECT has_table_privilege(:table, :what)")
    return [what for what in _EVERY if connection.scalar(asked, {"table": table, "what": what})]


def test_who_works_adds_everywhere_and_changes_only_what_is_not_append_only(
    as_role: Callable[[str], Connection],
) -> None:
    changes = ["SELECT", "INSERT", "UPDATE", "DELETE"]
    with as_role(WORK) as connection:
        found = {table: may(connection, table) for table in [*_TABLES, "alembic_version"]}
    analyzed = roles.ANALYZED.split(", ")
    assert found == {
        table: changes[:2] if table in _APPEND_ONLY else changes + ["MAINTAIN"] * (table in analyzed)
        for table in _TABLES
    } | {"alembic_version": ["SELECT"]}


def test_who_reads_sees_everything_but_secrets(as_role: Callable[[str], Connection]) -> None:
    column = text("SELECT has_column_privilege(:table, :column, :what)")
    with as_role(READ) as connection:
        for table in Base.metadata.tables.values():
            for name in table.columns.keys():  # noqa: SIM118 (a collection of columns, not of names)
                given = {"table": table.name, "column": name}
                sees = connection.scalar(column, given | {"what": "SELECT"})
                assert sees == (name not in _SECRETS.get(table.name, [])), (table.name, name)
                for what in ("INSERT", "UPDATE", "REFERENCES"):
                    assert not connection.scalar(column, given | {"what": what}), (table.name, name, what)
            whole = [] if table.name in _SECRETS else ["SELECT"]
            assert may(connection, table.name) == whole, table.name
        assert may(connection, "alembic_version") == ["SELECT"]
        for table, columns in _SECRETS.items():
            refused(connection, f"TABLE {table}")
            for name in columns:
                refused(connection, f"SELECT {name} FROM {table}")  # noqa: S608 (our own names)
        connection.execute(text("SELECT login, role FROM users"))


def refused(connection: Connection, statement: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        connection.execute(text(statement))
    assert isinstance(caught.value.orig, errors.InsufficientPrivilege), statement
    connection.rollback()


@pytest.mark.parametrize("role", [WORK, READ])
def test_neither_alters_the_schema_nor_makes_roles_or_databases(
    as_role: Callable[[str], Connection], role: str
) -> None:
    with as_role(role) as connection:
        for table in [*_TABLES, "alembic_version"]:
            for statement in (
                f"ALTER TABLE {table} DISABLE TRIGGER USER",
                f"ALTER TABLE {table} ADD COLUMN more int",
                f"DROP TABLE {table} CASCADE",
                f"TRUNCATE {table} CASCADE",
                f"CREATE RULE nothing AS ON INSERT TO {table} DO INSTEAD NOTHING",
            ):
                refused(connection, statement)
        for statement in (
            "CREATE TABLE mine ()",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
            f"GRANT {OWNER} TO {role}",
            f"SET ROLE {OWNER}",
            "SET session_replication_role = replica",
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        ):
            refused(connection, statement)
        refused(connection.execution_options(isolation_level="AUTOCOMMIT"), "CREATE DATABASE mine")


def test_the_owner_is_no_more_than_the_owner(as_role: Callable[[str], Connection]) -> None:
    with as_role(OWNER) as connection:
        refused(connection, "CREATE ROLE mine")
        refused(connection.execution_options(isolation_level="AUTOCOMMIT"), "CREATE DATABASE mine")


@pytest.fixture
def before(postgres: Postgres) -> Iterator[str]:
    """A database as the version before left it: migrated by who worked there too, with no other role about."""
    name = f"before_{uuid4().hex}"
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


def test_only_the_owner_migrates_and_it_grants_anew_each_time(
    postgres: Postgres, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(roles, "_ROLES", {"work": "nobody", "read": "nobody"})
        migrate.upgrade(postgres.url(before, OWNER))
    work = create_engine(postgres.url(before), poolclass=NullPool)
    with work.connect() as connection:
        refused(connection, "SELECT * FROM holds")
    with pytest.raises(PermissionError, match="HOLD_DATABASE_OWNER_URL"):
        migrate.upgrade(postgres.url(before))

    migrate.upgrade(postgres.url(before, OWNER))
    with create_engine(postgres.url(before, OWNER), poolclass=NullPool).begin() as connection:
        connection.execute(text(f"GRANT ALL ON audit_events TO {WORK}, {READ}"))  # somebody in a hurry
    migrate.upgrade(postgres.url(before, OWNER))
    with work.connect() as connection:
        assert may(connection, "audit_events") == ["SELECT", "INSERT"]
        assert roles.is_owner(connection) is False


def test_the_doctor_warns_where_the_owner_works_and_stops_nothing(postgres: Postgres, before: str) -> None:
    def look(url: str) -> dict[str, doctor.Check]:
        settings = Settings(database_url=SecretStr(url))
        checks = {"postgres": doctor._postgres, "database-roles": doctor._database_roles}
        return {name: doctor._guarded(name, check, settings) for name, check in checks.items()}

    migrate.upgrade(postgres.url(before, OWNER))
    warned = look(postgres.url(before, OWNER))["database-roles"]
    assert warned.ok
    assert "owns the tables" in str(warned.problem)
    assert f"CREATE ROLE {WORK} LOGIN" in str(warned.remedy)
    assert "python -m db.migrate" in str(warned.remedy)

    well = look(postgres.url(before))
    assert [check.problem for check in well.values()] == [None, None]

    with create_engine(postgres.url(before, OWNER), poolclass=NullPool).begin() as connection:
        connection.execute(text(f"REVOKE ALL ON alembic_version FROM {WORK}"))
    ungranted = look(postgres.url(before))["postgres"]
    assert not ungranted.ok
    assert "python -m db.migrate" in str(ungranted.remedy)


def test_an_import_renews_the_statistics_of_what_it_filled(engine: Engine, tmp_path: Path) -> None:
    """PostgreSQL only warns where the role may not."""
    load = make_import(engine, tmp_path)
    lines = [f"C{n},Customer {n},I{n},2026-01-01,10.00,USD" for n in range(merge.ANALYZE_FROM)]
    load("\n".join(["customer_id,customer_name,invoice_id,due_date,amount_open,currency", *lines]))
    with engine.connect() as connection:
        known = connection.execute(text("SELECT count(*) FROM pg_stats WHERE tablename = 'invoices'")).scalar_one()
    assert known
