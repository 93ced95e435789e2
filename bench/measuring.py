"""What every benchmark needs: a database of its own, and the time that something takes."""
# ruff: noqa: T201 (it prints what it measured)

import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from db import migrate
from db.engine import make_engine
from starter.stack.postgres import OWNER, Postgres


@contextmanager
def database() -> Iterator[Engine]:
    """A migrated database on a PostgreSQL of its own, which goes with it."""
    with tempfile.TemporaryDirectory(prefix="holds-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        data = Path(folder) / "postgres-data"
        data.mkdir(mode=0o711)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        server = Postgres(data, port, durable=False)
        server.ensure_initialised()
        with (Path(folder) / "postgres.log").open("wb") as log:
            process = server.command().start(log)
        while not server.ready():
            time.sleep(0.1)
        server.create_database("bench")
        migrate.upgrade(server.url("bench", OWNER))
        engine = make_engine(server.url("bench", OWNER))
        try:
            yield engine
        finally:
            engine.dispose()
            process.send_signal(2)
            process.wait(60)
            server.destroy()


def timed(run: Callable[[int], object], count: int) -> list[float]:
    """Return the milliseconds of each of `count` runs, the fastest first."""
    took = []
    for number in range(count):
        start = time.perf_counter()
        run(number)
        took.append((time.perf_counter() - start) * 1000)
    return sorted(took)


def described(name: str, took: list[float]) -> None:
    print(f"{name:58} {statistics.median(took):8.2f} ms median {took[len(took) * 99 // 100]:8.2f} ms p99")
