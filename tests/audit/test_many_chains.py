"""One transaction that appends to very many chains."""

from datetime import UTC, datetime

from sqlalchemy import Engine, func, select, text

from credit.audit_entries.freight import LimitExceeded
from credit.credit_hold import BlockSource
from credit.credit_limit import LimitCause
from db import audit
from db.engine import transaction
from db.models import AuditEvent

MANY = 30_000
"""More than PostgreSQL's lock table has room for: `max_locks_per_transaction * max_connections`."""


def test_any_number_of_customers_chains_fits_the_lock_table(engine: Engine) -> None:
    now = datetime.now(UTC)
    entry = LimitExceeded(
        why="exposure", cause=LimitCause.IMPORT, source=BlockSource.AUTO_APPLY, done="nothing applied"
    )
    with transaction(engine) as session:
        audit.append_to_each(session, {f"customer/{number}": entry for number in range(MANY)}, actor="import", at=now)
        held = session.scalar(
            text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        )
        assert 0 < (held or 0) <= 4096
    with transaction(engine) as session:
        audit.append(session, chain="customer/7", entry=entry, actor="mike", at=now)
        assert [row.seq for row in audit.chain_of(session, "customer/7")] == [1, 2]
        assert session.scalar(select(func.count()).select_from(AuditEvent)) == MANY + 1
