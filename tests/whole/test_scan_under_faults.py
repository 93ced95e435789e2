"""A scan whose worker and Temporal server are killed at random proposes each candidate exactly once."""

import csv
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from db.engine import make_engine, transaction
from db.models import ArAgingItem, ArAgingRun, HoldTrigger, Proposal
from db.models import Hold as HoldRow
from runtime.settings import Settings
from tests.stack.helpers import kill_part, restarted, wait_until
from tests.whole.conftest import Hold

CANDIDATES = int(os.environ.get("HOLD_TEST_SCAN_CANDIDATES", "80"))
KILLS = int(os.environ.get("HOLD_TEST_KILLS", "4"))
"""The supervisor waits longer before each restart: more kills mean a much longer test."""
_PAUSE = (1.0, 4.0)
"""Seconds between two kills."""


def write_ledger(path: Path, customers: int) -> None:
    due = datetime.now(UTC).date() - timedelta(days=120)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("customer_id", "customer_name", "invoice_id", "due_date", "amount_open"))
        rows.writerows((f"F{n:05}", f"Faulty {n}", f"F{n:05}-1", due, "30000.00") for n in range(customers))


@pytest.mark.timeout(300 + CANDIDATES + 60 * KILLS)
def test_scan_under_faults_proposes_each_candidate_exactly_once(hold: Hold) -> None:
    seed = int(os.environ.get("HOLD_TEST_SEED", "7"))
    chance = random.Random(seed)  # noqa: S311 (which part dies when)
    ledger = hold.data_dir / "faulty.csv"
    write_ledger(ledger, CANDIDATES)
    hold("ar", "import", str(ledger))
    settings = Settings(data_dir=hold.data_dir)
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=2)

    def count(query: object) -> int:
        with transaction(engine) as session:
            return session.scalar(query) or 0  # type: ignore[call-overload]

    begun = select(func.count()).select_from(ArAgingRun)
    finished = begun.where(ArAgingRun.finished_at.is_not(None))
    before, begun_before = count(finished), count(begun)
    said = hold.data_dir / "scan.log"
    with said.open("w") as log:
        scan = subprocess.Popen(
            [sys.executable, "-m", "starter.cli", "ar", "scan", "--data-dir", str(hold.data_dir)],
            stdout=log,
            stderr=log,
        )
    # An order that Temporal did not take yet is refused to the one who gave it: no scan to survive anything.
    wait_until(lambda: count(begun) > begun_before or scan.poll() is not None)
    assert count(begun) > begun_before, said.read_text()
    kills = 0
    while kills < KILLS and count(finished) == before:
        time.sleep(chance.uniform(*_PAUSE))
        part = chance.choice(("worker", "temporal"))
        killed = kill_part(hold.data_dir, part)
        kills += 1
        wait_until(partial(restarted, hold.data_dir, part, killed))
    wait_until(lambda: count(finished) > before, within=120 + CANDIDATES)
    scan.wait(120)  # its own end tells nothing: it lost Temporal with the rest
    assert kills > 0

    ours = HoldRow.customer_id.like("F%")
    holds = count(select(func.count()).select_from(HoldRow).where(ours))
    customers = count(select(func.count(HoldRow.customer_id.distinct())).where(ours))
    proposals = count(
        select(func.count()).select_from(Proposal).join(HoldRow, HoldRow.id == Proposal.hold_id).where(ours)
    )
    triggers = select(func.count()).select_from(HoldTrigger).where(HoldTrigger.customer_id.like("F%"))
    openers = count(triggers.where(HoldTrigger.opened))
    items = count(select(func.count()).select_from(ArAgingItem).where(ArAgingItem.customer_id.like("F%")))
    seen = (holds, customers, proposals, count(triggers), openers, items)
    engine.dispose()
    assert seen == (CANDIDATES,) * 6, f"seed {seed}, {kills} kills"
