"""Credit limits among a million customers: the eligibility check, a posting's edge, an import that crosses many.

`.venv/bin/python -m bench.credit_limits [--customers N]` starts a PostgreSQL of its own in a temporary folder, makes
its data inside it, prints each number beside a floor measured in the same run, and leaves nothing behind. A million
customers take some minutes and 3 GB of disk.
"""
# ruff: noqa: T201 (it prints what it measured)

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text

from bench.measuring import database, described, timed
from credit.credit_limit import LimitCause
from credit.eligibility import Action, check
from credit.policy import Policy
from db.act import Act
from db.engine import transaction
from db.freight import credit_limits, eligibility, exposures
from db.receivables.ledger_import import import_ledger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CROSSING = 1000
"""Customers whose limit the import crosses."""
_DATA = """
INSERT INTO customers (id, name, netsuite_id)
    SELECT 'C' || lpad(n::text, 7, '0'), 'Customer ' || n, n::text FROM generate_series(1, :count) n;
INSERT INTO invoices (id, customer_id, due_date, amount_open, source_amount, source_currency)
    SELECT 'I' || lpad(n::text, 7, '0'), 'C' || lpad(n::text, 7, '0'), '2026-01-01', 500, 500, 'USD'
    FROM generate_series(1, :count) n;
INSERT INTO accounting_profiles (customer_id, credit_limit, limit_state, exposure)
    SELECT id, 1000, 'acceptable', 500 FROM customers;
INSERT INTO credit_hold_entries (id, customer_id, source, note, created_by, created_at)
    SELECT gen_random_uuid(), id, 'manual', 'bench', 'bench', now() FROM customers WHERE right(id, 1) = '7';
UPDATE org_settings SET auto_apply_credit_hold = true;
"""


def one_customer(engine: Engine, customers: int) -> None:
    """One customer among all of them: latency of the check and of a posting, throughput of the check by four."""

    def name(number: int) -> str:
        return f"C{1 + number * 7919 % customers:07}"

    with transaction(engine) as session:

        def asked(number: int) -> object:
            standing, policy = eligibility.read(session, name(number), NOW)[:2]
            return check(standing, Action.RATE, policy)

        def judged(number: int) -> object:
            return credit_limits.evaluate(Act(session, "bench", NOW), [name(number)], cause=LimitCause.INVOICE)

        described("floor: SELECT 1", timed(lambda _: session.execute(text("SELECT 1")).scalar(), 3000))
        described("eligibility check", timed(asked, 3000))
        described("edge after a posting (locks, sums, compares)", timed(judged, 1000))
    seconds, done = 5.0, [0] * 4

    def stream(lane: int, run: Callable[[Any, int], object]) -> None:
        until, number = time.perf_counter() + seconds, lane
        while time.perf_counter() < until:
            with transaction(engine) as session:
                run(session, number)
            done[lane] += 1
            number += 4

    for title, run in (
        ("floor: SELECT 1, four threads", lambda session, _: session.execute(text("SELECT 1")).scalar()),
        ("eligibility check, four threads", lambda session, number: eligibility.read(session, name(number), NOW)),
    ):
        done[:] = [0] * 4
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda lane, run=run: stream(lane, run), range(4)))
        print(f"{title:58} {sum(done) / seconds:8.0f} a second")


def plans(engine: Engine) -> None:
    """Show which ways into the tables one customer's edge takes; none may be a sequential scan of a large one."""
    with transaction(engine) as session:
        accounts = credit_limits.lock(session, ["C0000042"])
        judge = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {accounts.with_changed} SELECT * FROM changed")  # noqa: S608 (our own statement)
        [plan] = session.execute(judge, accounts.values).scalar_one()
        print(
            f"EXPLAIN ANALYZE, one customer: {plan['Execution Time']:.2f} ms; {', '.join(sorted(_nodes(plan['Plan'])))}"
        )


def _nodes(plan: dict[str, Any]) -> set[str]:
    own = {f"{plan['Node Type']} {plan['Relation Name']}"} if "Relation Name" in plan else set()
    return own.union(*(_nodes(child) for child in plan.get("Plans", ())))


def whole_import(engine: Engine, customers: int) -> None:
    """Import one changed invoice of every customer, and see what the limits' share of it is."""
    took: dict[str, float] = {}
    running = threading.local()

    @event.listens_for(engine, "before_cursor_execute")
    def _begin(*_: object) -> None:
        running.start = time.perf_counter()

    @event.listens_for(engine, "after_cursor_execute")
    def _end(_c: object, _k: object, statement: str, *_: object) -> None:
        part = "other"
        if "asked AS" in statement or "unnest(CAST" in statement:
            part = "limits judged"
        elif "credit_hold_entries" in statement or "audit" in statement:
            part = "crossings carried out"
        took[part] = took.get(part, 0) + time.perf_counter() - running.start

    with tempfile.TemporaryDirectory(prefix="holds-bench-") as folder:
        path = Path(folder) / "ledger.csv"
        with path.open("w") as file:
            file.write("customer_id,invoice_id,due_date,amount_open\n")
            every = customers // CROSSING
            for number in range(1, customers + 1):
                amount = 1500 if number % every == 0 else 501
                file.write(f"C{number:07},I{number:07},2026-01-01,{amount}\n")
        report = import_ledger(
            engine,
            path,
            mapping={},
            as_of=None,
            rates={},
            skip_bad=False,
            actor="bench",
            policy=Policy(trigger_total_open=Decimal(1)),
        )
    print(f"import: {report.rows:,} rows in {report.seconds:.1f} s, {report.rows_per_second:,.0f} rows a second")
    print(f"    {report.limits_crossed:,} limits crossed, {report.credit_holds_applied:,} put on credit hold")
    for part, seconds in took.items():
        print(f"    {part:40} {seconds:6.1f} s {seconds / report.seconds:6.1%} of the whole")
    with transaction(engine) as session:
        start = time.perf_counter()
        exposures.judge_all_anew(session, Policy())
        print(f"every profile judged anew (a policy's flip): {time.perf_counter() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    with database() as engine:
        start = time.perf_counter()
        for statement in filter(str.strip, _DATA.split(";\n")):
            with transaction(engine) as session:
                session.execute(text(statement), {"count": customers} if ":count" in statement else {})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        print(f"{customers:,} customers made in {time.perf_counter() - start:.0f} s")
        one_customer(engine, customers)
        plans(engine)
        whole_import(engine, customers)


if __name__ == "__main__":
    main()
