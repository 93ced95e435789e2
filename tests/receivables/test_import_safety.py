"""Imports that are interrupted, that run at once, and that are large."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from db import audit
from db.receivables.ledger_import import Progress
from tests.patience import PATIENCE
from tests.receivables.files import Import, everything, ledger, rows, write_rows


def test_a_failure_at_the_very_end_leaves_nothing(
    load: Import, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(ledger("A,Acme,1,2020-01-01,10"))
    before = everything(engine)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no audit, no import")

    monkeypatch.setattr(audit, "append", fail)
    with pytest.raises(RuntimeError, match="no audit"):
        load(ledger("A,Acme Ltd,1,2020-01-01,20", "B,Bolt,2,2020-01-01,5", "A,Acme,3,,-4"))
    assert everything(engine) == before


def test_a_connection_lost_while_rows_stream_in_leaves_nothing(load: Import, engine: Engine, tmp_path: Path) -> None:
    before = everything(engine)

    def cut(now: Progress) -> None:
        assert now.bytes_read <= now.bytes_in_all
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    with pytest.raises(OperationalError):
        load(write_rows(tmp_path / "many.csv", 20_000, customers=100), progress=cut)
    assert everything(engine) == before


def test_imports_at_once_take_turns(load: Import, engine: Engine, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "many.csv", 3000, customers=50)
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(load(file))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.invoices_inserted for report in reports) == [0, 0, 0, 3000]
    assert sum(report.import_id is not None for report in reports) == 1
    assert rows(engine, "SELECT count(*) FROM imports") == [(1,)]


_MEASURE = """
import re, sys
from pathlib import Path
from credit.policy import Policy
from db.engine import make_engine
from db.receivables.ledger_import import import_ledger
engine = make_engine(sys.argv[1])
for name in sys.argv[2:]:
    options = {"mapping": {}, "as_of": None, "rates": {}, "skip_bad": False, "actor": "t", "policy": Policy()}
    report = import_ledger(engine, Path(name), **options)
    print(report.invoices_inserted, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
engine.dispose()
"""


def test_memory_does_not_grow_with_the_file(database_url: str, tmp_path: Path) -> None:
    small = write_rows(tmp_path / "small.csv", 5_000, customers=1_000)
    large = write_rows(tmp_path / "large.csv", 100_000, customers=10_000)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, database_url, str(small), str(large)],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    (first, small_kb), (second, large_kb) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (first, second) == (5_000, 95_000)
    assert large_kb - small_kb < 15_000, f"{small_kb} KB for 5,000 rows, {large_kb} KB for 100,000"
