"""The importing process is killed, without a chance to tidy up."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.receivables.files import Import, everything, ledger, rows, write_rows

_IMPORT = """
import sys
from pathlib import Path
from credit.policy import Policy
from db.engine import make_engine
from db.receivables.ledger_import import import_ledger
options = {"mapping": {}, "as_of": None, "rates": {}, "skip_bad": False, "actor": "t", "policy": Policy()}
import_ledger(make_engine(sys.argv[1]), Path(sys.argv[2]), **options)
"""
_COPYING = "SELECT 1 FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 20000"
_OTHERS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "
_MERGING = _OTHERS + "state = 'active' AND query LIKE '%INSERT INTO invoices%'"
_WORKING = _OTHERS + "state <> 'idle'"
_ROWS = 200_000


@pytest.mark.parametrize("moment", [_COPYING, _MERGING], ids=["while copying", "while merging"])
def test_a_killed_import_leaves_nothing_and_the_next_one_works(
    load: Import, engine: Engine, database_url: str, tmp_path: Path, moment: str
) -> None:
    load(ledger("A,Acme,1,2020-01-01,10", "A,Acme,2,,-4"))
    before = everything(engine)
    file = write_rows(tmp_path / "many.csv", _ROWS, customers=2000)
    process = subprocess.Popen([sys.executable, "-c", _IMPORT, database_url, str(file)])
    try:
        while not rows(engine, moment):
            assert process.poll() is None, "the import ended before the moment came"
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -9
    while rows(engine, _WORKING):  # its back end notices within a second
        time.sleep(0.05)
    assert everything(engine) == before
    report = load(write_rows(file, 2000, customers=100))
    assert (report.imported, report.invoices_inserted, report.customers_inserted) == (True, 2000, 100)
