"""Who asked for what is proposed, and why, is found for proposals that were made before it was kept with them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from db import migrate
from starter.stack.postgres import OWNER, Postgres

HOLD = uuid4()
PLACED, ASKED, UNDONE, REPAIRED = uuid4(), uuid4(), uuid4(), uuid4()

_BEFORE = f"""
INSERT INTO customers (id, name, netsuite_id) VALUES ('C1', 'C1', 'N1');
INSERT INTO holds (id, customer_id, status, reason, warnings, workflow_id, run_id, proposed_at)
VALUES ('{HOLD}', 'C1', 'in_force', '95 days overdue', '[]', 'w', 'r', '2026-11-01Z');
INSERT INTO hold_triggers (id, hold_id, customer_id, kind, reason, actor, at, opened) VALUES
    ('t1', '{HOLD}', 'C1', 'manual', '95 days overdue', 'robin', '2026-11-01Z', true),
    ('t2', '{HOLD}', 'C1', 'manual', 'and more', 'else', '2026-11-02Z', false);
INSERT INTO proposals (
    id, hold_id, kind, status, revision, facts, warnings, note, policy_version, opened_at, due_at, settled_at
) VALUES
    ('{PLACED}', '{HOLD}', 'place', 'approved', 1, '{{}}', '[]', '', 1, '2026-11-01Z', '2026-12-01Z', '2026-11-01Z'),
    ('{REPAIRED}', '{HOLD}', 'repair', 'withdrawn', 2, '{{}}', '[]', 'NETSUITE SAYS OFF', 1, '2026-11-02Z',
     '2026-12-01Z', '2026-11-03Z'),
    ('{ASKED}', '{HOLD}', 'release', 'approved', 3, '{{}}', '[]', '', 1, '2026-11-03Z', '2026-12-01Z', '2026-11-04Z'),
    ('{UNDONE}', '{HOLD}', 'release', 'open', 4, '{{}}', '[]', '', 1, '2026-11-04Z', '2026-12-01Z', NULL);
INSERT INTO release_requests (id, hold_id, proposal_id, cause, reason, actor, at, refusal) VALUES
    ('r0', '{HOLD}', NULL, 'person', 'too early', 'else', '2026-10-31Z', 'not in force'),
    ('r1', '{HOLD}', '{ASKED}', 'person', 'paid in full', 'rita', '2026-11-03Z', NULL),
    ('r2', '{HOLD}', '{ASKED}', 'person', 'a guarantee came', 'rob', '2026-11-03T12:00Z', NULL);
"""  # noqa: S608 (our own ids)


@pytest.fixture
def url_before(postgres: Postgres) -> Iterator[str]:
    """A database of the version before, with holds in it."""
    name = f"before_{uuid4().hex}"
    postgres.create_database(name)
    url = postgres.url(name, OWNER)
    before = ScriptDirectory.from_config(migrate._config(url)).get_revision("0012").down_revision
    with create_engine(url, poolclass=NullPool).connect() as connection:
        config = migrate._config(url)
        config.attributes["connection"] = connection
        command.upgrade(config, str(before))
        for statement in _BEFORE.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.commit()
    yield url
    postgres.drop_database(name)


def test_who_asked_and_why_is_found(url_before: str) -> None:
    migrate.upgrade(url_before)

    with create_engine(url_before, poolclass=NullPool).connect() as connection:
        rows = connection.execute(text("SELECT id, asked_by, reason FROM proposals"))
        found = {row.id: (row.asked_by, row.reason) for row in rows}
    assert found[PLACED] == ("robin", "95 days overdue")
    assert found[REPAIRED] == ("service-holds", "NETSUITE SAYS OFF")
    assert found[ASKED] == ("rita", "paid in full")
    assert found[UNDONE][0] in ("rita", "rob")
