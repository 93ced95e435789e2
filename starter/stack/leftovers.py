"""End what an earlier stack left running, for example after a `kill -9` of its supervisor."""

import signal
from collections.abc import Callable
from pathlib import Path

from starter.stack.postgres import Postgres
from starter.stack.processes import end, kill_marked
from starter.stack.record import StackRecord


def end_leftovers(data_dir: Path, record: StackRecord, say: Callable[[str], None]) -> bool:
    """End every process of the stack that this record is about, the last part first; tell whether there was any.

    A process is ended only if its pid and its start mark are in the record, if it carries the stack's own mark in its
    environment, or if it is a PostgreSQL server on this stack's cluster.

    Raises:
        PermissionError: one of them belongs to another user.
    """
    found = False
    for part in reversed(record.parts):
        if part.identity is not None and part.identity.alive():
            say(f"Ending {part.name} (pid {part.pid}), left over from an earlier run.")
            end(part.identity, gentle=signal.SIGINT if part.name == "postgres" else signal.SIGTERM)
            found = True
    postgres = Postgres(data_dir, 0)
    if postgres.processes():
        postgres.clear_leftovers()
        found = True
    return kill_marked(f"{record.stack_id}/") or found
