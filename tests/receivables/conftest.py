from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.receivables.files import Import, make_import


@pytest.fixture
def load(engine: Engine, tmp_path: Path) -> Import:
    return make_import(engine, tmp_path)
