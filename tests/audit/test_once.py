"""What may be noted once is looked up by an index, however long the chain, and PostgreSQL itself takes it once."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db.engine import transaction
from tests.owner import as_owner

_MANY = text("""
INSERT INTO audit_events (chain, seq, at, actor, action, detail, prev_hash, hash)
SELECT 'system', number, :now, 'test', 'test', jsonb_build_object('once', CAST(number AS text)), '', ''
FROM generate_series(1, 20000) AS number
""")
_AGAIN = text("""
INSERT INTO audit_events (chain, seq, at, actor, action, detail, prev_hash, hash)
VALUES ('system', 20001, :now, 'test', 'test', '{"once": "7"}', '', '')
""")


def test_once_is_found_by_its_index_and_kept_by_it(engine: Engine) -> None:
    now = {"now": datetime.now(UTC)}
    with as_owner(engine) as session:
        session.execute(_MANY, now)
        session.execute(text("ANALYZE audit_events"))
        asked = "EXPLAIN SELECT 1 FROM audit_events WHERE chain = 'system' AND detail ->> 'once' = '7'"
        assert "uq_audit_events_once" in "\n".join(session.scalars(text(asked)))
    with pytest.raises(IntegrityError, match="uq_audit_events_once"), transaction(engine) as session:
        session.execute(_AGAIN, now)
