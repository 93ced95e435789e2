from collections.abc import Iterator
from pathlib import Path

import pytest

from starter.stack.postgres import Postgres
from tests.conftest import free_port
from tests.stack.helpers import started


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running cluster with an empty database `holds`, for the tests that only look."""
    data_dir = tmp_path_factory.mktemp("server")
    postgres = Postgres(data_dir, free_port(), durable=False)
    postgres.ensure_initialised()
    with started(postgres, data_dir / "log"):
        postgres.create_database("holds")
        yield postgres
    postgres.destroy()


@pytest.fixture
def cluster(tmp_path: Path, port: int) -> Iterator[Postgres]:
    """A cluster of its own, made and not started."""
    postgres = Postgres(tmp_path, port, durable=False)
    postgres.ensure_initialised()
    yield postgres
    postgres.destroy()
