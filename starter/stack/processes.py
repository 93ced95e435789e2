"""Processes named so that only our own are ever signalled: a pid counts only together with when it was started."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

PART_VARIABLE = "HOLD_STACK_PART"
"""Set in the environment of every part: `<stack id>/<part name>`; finds parts that no record names."""


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_mark(pid: int) -> str | None:
    """Return a mark that no other process with this pid will ever have; None where there is no such process.

    On Linux it is the boot's id and the start time in clock ticks since boot: unlike a wall-clock time it does not move
    when the clock is set. A zombie counts as gone.
    """
    try:
        if sys.platform == "linux":
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else f"{_boot_id()}:{fields[19]}"
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except (OSError, psutil.Error):
        return None


@dataclass(frozen=True)
class Identity:
    """One process, for ever: its pid and its start mark."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Return the identity of the process that has `pid` now; None where none has."""
        started = start_mark(pid)
        return None if started is None else cls(pid, started)

    def alive(self) -> bool:
        return start_mark(self.pid) == self.started

    def send(self, signal_number: int) -> None:
        """Signal the process if it still runs; do nothing where it has gone.

        Raises:
            PermissionError: the process belongs to somebody this user may not signal.
        """
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)


def descendants(identity: Identity) -> list[Identity]:
    """Return the living children of the process and theirs; empty where it has gone."""
    if not identity.alive():
        return []
    try:
        children = psutil.Process(identity.pid).children(recursive=True)
    except psutil.Error:
        return []
    return [found for child in children if (found := Identity.of(child.pid)) is not None]


def marked(prefix: str) -> list[Identity]:
    """Return the processes whose mark (see `PART_VARIABLE`) begins with `prefix`, as far as this user may look."""
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(PART_VARIABLE, "")
        except (psutil.Error, OSError):
            continue
        if mark.startswith(prefix) and (identity := Identity.of(process.pid)) is not None:
            found.append(identity)
    return found


def kill_marked(prefix: str) -> bool:
    """Kill every process whose mark begins with `prefix`, and what they start meanwhile; tell whether there was any."""
    killed = False
    for _ in range(20):
        found = marked(prefix)
        if not found:
            break
        killed = True
        for identity in found:
            identity.send(signal.SIGKILL)
        wait_gone(found, 2.0)
    return killed


def end(identity: Identity, *, gentle: int = signal.SIGTERM, within: float = 10.0) -> bool:
    """Ask the process to stop, then kill it and its children once `within` seconds have passed.

    Returns:
        True where it stopped by itself or had gone already, False where it had to be killed.
    """
    family = descendants(identity)
    identity.send(gentle)
    stopped = wait_gone([identity], within)
    if not stopped:
        family.extend(descendants(identity))
        identity.send(signal.SIGKILL)
    for child in family:
        child.send(signal.SIGKILL)
    wait_gone([identity, *family], 5.0)
    return stopped


def wait_gone(identities: Iterable[Identity], within: float) -> bool:
    """Wait up to `within` seconds until none of the processes runs; tell whether that came to be."""
    waiting = list(identities)
    deadline = time.monotonic() + within
    while True:
        waiting = [identity for identity in waiting if identity.alive()]
        if not waiting or time.monotonic() >= deadline:
            return not waiting
        time.sleep(0.02)


def tail(path: Path, lines: int = 15, *, since: int = 0) -> str:
    """Return the last `lines` lines of a log file, indented, from its byte `since` on; a note where there are none."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, path.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "    (no log)"
    kept = text.splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in kept) or "    (the log is empty)"
