"""How long a part that is not ready yet is waited for: as long as it makes progress. Only this place names it."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from starter.stack.processes import Identity, descendants

PATIENCE = 60.0
"""Seconds without a sign of progress, after which a part is given up."""

LIMIT = 1800.0
"""Seconds after which it is given up in any case: one that is busy with nothing must end too."""

_CPU_STEP = 0.2  # seconds of processor time that count as progress; one that only waits and asks uses less
_LOOKS = 20  # within the patience


class Progress:
    """What is seen of one part from its start on: its log grows, it uses the processor, its processes change.

    Args:
        log: The part's log.
        identity: Its process; None where it ended at once.
        now: When it was started, on any clock that the later calls keep to, in seconds.
        patience: See `PATIENCE`.
        limit: See `LIMIT`.
    """

    def __init__(
        self, log: Path, identity: Identity | None, now: float, *, patience: float = PATIENCE, limit: float = LIMIT
    ) -> None:
        self._log = log
        self._identity = identity
        self._began = self._looked = self._moved = now
        self._patience = patience
        self._limit = limit
        self._signs = self._look()

    def given_up(self, now: float) -> str | None:
        """Return why the part is waited for no longer, in words; None while it is."""
        if now - self._looked >= self._patience / _LOOKS:
            self._looked = now
            self._compare(now)
        if now - self._moved > self._patience:
            return f"was not ready, and showed no progress for {self._patience:g} s"
        if now - self._began > self._limit:
            return f"was not ready within {self._limit:g} s"
        return None

    def _compare(self, now: float) -> None:
        size, processes, cpu = self._look()
        if (size, processes) != self._signs[:2] or abs(cpu - self._signs[2]) >= _CPU_STEP:
            self._signs = (size, processes, cpu)
            self._moved = now

    def _look(self) -> tuple[int, frozenset[int], float]:
        family = [self._identity, *descendants(self._identity)] if self._identity else []
        pids = frozenset(identity.pid for identity in family)
        return self._log.stat().st_size if self._log.exists() else 0, pids, _cpu_seconds(pids)


def _cpu_seconds(pids: Iterable[int]) -> float:
    total = 0.0
    for pid in pids:
        with suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total
