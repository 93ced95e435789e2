"""Run by `test_postgres.py` as an ordinary user: a cluster from nothing to running, inside one folder."""

import sys
import time
from pathlib import Path

from starter.stack.files import ensure_data_dir
from starter.stack.postgres import Postgres

data_dir = ensure_data_dir(Path(sys.argv[1]))
assert data_dir.stat().st_mode & 0o777 == 0o700
postgres = Postgres(data_dir, int(sys.argv[2]), durable=False)
postgres.ensure_initialised()
with (data_dir / "log").open("wb") as log:
    process = postgres.command().start(log)
deadline = time.monotonic() + 120
while not postgres.ready() and time.monotonic() < deadline:
    time.sleep(0.05)
sys.stdout.write("ready " if postgres.ready() else (data_dir / "log").read_text())
sys.stdout.write("outside" if (data_dir / "postgres").is_symlink() else "inside")
postgres.destroy()
process.wait()
