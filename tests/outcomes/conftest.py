"""One database for a whole table of pairs: every pair has a customer of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db.engine import make_engine
from starter.stack.postgres import Postgres


@pytest.fixture(scope="module")
def shared_engine(postgres: Postgres) -> Iterator[Engine]:
    postgres.create_database("holds_pairs", template="template_holds")
    made = make_engine(postgres.url("holds_pairs"), pool_size=4)
    yield made
    made.dispose()
    postgres.drop_database("holds_pairs")
