"""Tokens of the version before, which had no owner and no end: what becomes of each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from db import migrate
from db.models import ApiToken
from starter.stack.postgres import OWNER, Postgres

_BEFORE = """
INSERT INTO users (id, login, name, role) VALUES (gen_random_uuid(), 'ann', 'Ann', 'requester');
INSERT INTO api_tokens (id, name, role, sha256) VALUES
    (gen_random_uuid(), 'Ann', 'approver', '1'), (gen_random_uuid(), 'ann', 'sender', '2'),
    (gen_random_uuid(), 'nightly job', 'approver', '3')
"""


@pytest.fixture
def url_before(postgres: Postgres) -> Iterator[str]:
    name = f"before_{uuid4().hex}"
    postgres.create_database(name)
    url = postgres.url(name, OWNER)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        config = migrate._config(url)
        config.attributes["connection"] = connection
        command.upgrade(config, "0021")
        connection.exec_driver_sql(_BEFORE)
        connection.commit()
    yield url
    postgres.drop_database(name)


def test_a_token_is_its_namesake_s_or_a_service_s_and_works_on_for_a_year(url_before: str) -> None:
    migrate.upgrade(url_before)
    with Session(create_engine(url_before, poolclass=NullPool)) as session:
        found = {row.sha256: row for row in session.scalars(select(ApiToken))}
        owners = {key: row.owner.login if row.owner else None for key, row in found.items()}
        assert owners == {"1": "ann", "2": None, "3": None}
        for row in found.values():
            assert row.expires_at - datetime.now(UTC) > timedelta(days=365)
