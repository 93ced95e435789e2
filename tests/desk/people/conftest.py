from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from runtime.settings import Settings
from tests.conftest import free_port
from tests.desk.people.browser import RunningDesk


@pytest.fixture
def desk_settings(database_url: str, tmp_path: Path) -> Settings:
    """A desk that needs its database only."""
    return Settings(
        data_dir=tmp_path,
        database_url=SecretStr(database_url),
        desk_port=free_port(),
        temporal_address=f"127.0.0.1:{free_port()}",  # nobody there: no other stack is reached
    )


@pytest.fixture
def desk(desk_settings: Settings, engine: Engine) -> Iterator[RunningDesk]:
    with RunningDesk(desk_settings, engine) as running:
        yield running


@pytest.fixture
def desk_url(desk: RunningDesk) -> str:
    return desk.url
