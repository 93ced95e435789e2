"""The audit trail when it is long: what an append, a note that may be made once, an event and a scan's begin cost then.

`.venv/bin/python -m bench.audit [--rows N]` starts a PostgreSQL of its own in a temporary folder, fills the trail with
SQL, prints each number beside a floor measured in the same run, and leaves nothing behind. Ten million rows take some
minutes and 8 GB of disk.
"""
# ruff: noqa: T201 (it prints what it measured)

import argparse
import time
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Engine, text

from bench.measuring import database, described, timed
from credit.audit_entries.receivables import ArAgingPaused
from db import audit
from db.act import Act
from db.engine import transaction
from db.receivables import aging
from services.receivables.inbound import Delivery, write
from services.receivables.payment import PaymentReceived

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CUSTOMERS = 100_000
_CUSTOMERS = """
INSERT INTO customers (id, name, netsuite_id)
    SELECT 'C' || lpad(n::text, 7, '0'), 'Customer ' || n, n::text FROM generate_series(1, :customers) n
"""
_ROWS = """
INSERT INTO audit_events (chain, seq, at, actor, action, detail, prev_hash, hash)
SELECT CASE WHEN n % 5 = 0 THEN 'system' ELSE 'customer/C' || lpad((1 + n % :customers)::text, 7, '0') END,
    row_number() OVER (
        PARTITION BY CASE WHEN n % 5 = 0 THEN -1 ELSE n % :customers END ORDER BY n
    ),
    now() - n * interval '1 second', 'bench', 'payment_received',
    CASE WHEN n % 10 = 0 THEN jsonb_build_object('once', 'run ' || n) ELSE '{"why": "bench"}' END,
    repeat('0', 64), repeat('0', 64)
FROM generate_series(1, :rows) n
"""


def measured(engine: Engine) -> None:
    """Each in a transaction of its own, as it is in life."""

    def floor(_: int) -> None:
        with transaction(engine) as session:
            session.execute(text("SELECT 1")).scalar()

    def noted(_: int) -> None:
        with transaction(engine) as session:
            audit.append(session, chain=audit.SYSTEM, entry=ArAgingPaused(why="bench"), actor="bench", at=NOW)

    def noted_once(number: int) -> None:
        with transaction(engine) as session:
            entry, once = ArAgingPaused(why="bench"), f"bench {number}"
            audit.append(session, chain=audit.SYSTEM, entry=entry, actor="bench", at=NOW, once=once)

    def scan_begun(_: int) -> None:
        with transaction(engine) as session:
            run_id = uuid4()
            aging.open_run(Act.of_system(session, NOW), run_id=run_id, workflow_id=str(run_id), as_of=NOW.date())

    def event_taken(number: int) -> None:
        told = {"customer_id": f"C{1 + number * 7919 % CUSTOMERS:07}", "payment_id": str(uuid4())}
        money = {"amount": "10.00", "currency": "USD", "paid_on": str(NOW.date())}
        payload = PaymentReceived.model_validate(told | money)
        with transaction(engine) as session:
            write(Act(session, "bench", NOW), Delivery("bench", str(uuid4())), payload)

    for name, run in (
        ("floor: a transaction of SELECT 1", floor),
        ("a note in the longest chain", noted),
        ("a note that may be made once, in the longest chain", noted_once),
        ("a scan begun (open_run)", scan_begun),
        ("an event taken: a payment, customer without a hold", event_taken),
    ):
        timed(run, 20)  # what is compiled and planned once is not measured
        described(name, timed(run, 500))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with database() as engine:
        start = time.perf_counter()
        with transaction(engine) as session:
            session.execute(text(_CUSTOMERS), {"customers": CUSTOMERS})
            session.execute(text(_ROWS), {"rows": rows, "customers": CUSTOMERS})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        print(f"{rows:,} rows made in {time.perf_counter() - start:.0f} s")
        measured(engine)


if __name__ == "__main__":
    main()
