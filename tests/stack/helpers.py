"""What the tests of the stack share: waiting, looking at processes, killing parts."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from starter.stack import record
from starter.stack.postgres import Postgres
from starter.stack.processes import PART_VARIABLE, Identity, end
from tests.patience import PATIENCE


def wait_until(what: Callable[[], object], within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, f"not so within {within} s"
        time.sleep(0.02)


def raw_record(data_dir: Path) -> dict:
    return json.loads((data_dir / "stack.json").read_text())


def part_pid(data_dir: Path, name: str) -> int | None:
    return next(part.pid for part in record.status(data_dir).parts if part.name == name)


def all_running(data_dir: Path) -> bool:
    return record.status(data_dir).running


def kill_part(data_dir: Path, name: str) -> int:
    """Kill one part of the stack and return the pid it had."""
    pid = part_pid(data_dir, name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def kill_supervisor(data_dir: Path) -> None:
    """Kill the supervisor as the kernel would; return when it has gone."""
    supervisor = Identity(**raw_record(data_dir)["supervisor"])
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not supervisor.alive())


def restarted(data_dir: Path, name: str, old_pid: int) -> bool:
    return part_pid(data_dir, name) not in (None, old_pid) and all_running(data_dir)


def processes_of(data_dir: Path) -> list[str]:
    """Every living process that belongs to this data folder: by its environment, its command line or its folder."""
    stack_id = raw_record(data_dir)["stack_id"]
    places = {str(data_dir), str((data_dir / "postgres").resolve())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            command = process.cmdline()
            marked = process.environ().get(PART_VARIABLE, "").startswith(stack_id)
            named = any(place in argument for place in places for argument in command)
            within = any(process.cwd().startswith(place) for place in places)
        except psutil.Error:
            continue
        if marked or named or within:
            found.append(f"{process.pid} {command}")
    return found


@contextmanager
def started(postgres: Postgres, log: Path) -> Iterator[subprocess.Popen]:
    """Run the server while the block lasts."""
    with log.open("ab") as output:
        process = postgres.command().start(output)
    identity = Identity.of(process.pid)
    try:
        wait_until(postgres.ready)
        yield process
    finally:
        if identity is not None:
            end(identity, gentle=2)
        process.wait()
