"""A statement that waits for somebody else's lock fails in time, and says so."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from db import engine as engines
from db.engine import make_engine, transaction


def test_a_foreign_lock_is_not_waited_for_without_end(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOCK_SECONDS", 1)
    waiting = make_engine(database_url, pool_size=1)
    with transaction(engine) as holder:
        holder.execute(text("LOCK TABLE holds IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(OperationalError, match="lock timeout"), transaction(waiting) as session:
            session.execute(text("SELECT count(*) FROM holds"))
    with transaction(waiting) as session:
        assert session.scalar(text("SELECT count(*) FROM holds")) == 0
    waiting.dispose()
