"""One run of the stack: its record, its log, and what has to be there before the first part can start."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runtime.files import ensure_private_dir
from starter.stack import record as records
from starter.stack.errors import StackError
from starter.stack.processes import Identity
from starter.stack.record import PartRecord, StackRecord, StackState
from starter.stack.supervisor import Part, Supervisor, nothing

Say = Callable[[str], None]
"""Takes one line for a person at a time."""


@dataclass(frozen=True)
class Plan:
    """What a stack is made of: its parts in stages (see `Supervisor`), and the settings of its clients.

    `release` gives back what the plan has reserved.
    """

    stages: Sequence[Sequence[Part]]
    settings: Mapping[str, Any]
    release: Callable[[], None] = nothing


Planner = Callable[[Path, Say], Plan]
"""Returns the plan for an existing, resolved data folder; may take its time, and say what it does."""


class Session:
    """What the process that supervises a stack keeps of it.

    Args:
        data_dir: The data folder, locked by this process.
        stack_id: The stack's id, the same at every run in this folder.
        settings: What the last run told clients; replaced by `prepare`.
        tell: Takes what is said, for the person at the terminal.
    """

    def __init__(self, data_dir: Path, stack_id: str, settings: dict[str, Any], tell: Say) -> None:
        me = Identity.of(os.getpid())
        if me is None:
            raise StackError("This process can't find itself: is /proc mounted?")
        self._me = me
        self._data_dir = data_dir
        self._stack_id = stack_id
        self._settings = settings
        self._tell = tell
        self._release: Callable[[], None] = nothing
        self._state: StackState = "starting"
        self._parts: tuple[PartRecord, ...] = ()
        log_dir = ensure_private_dir(data_dir / "logs")
        self._log_dir = log_dir
        log = log_dir / "supervisor.log"
        log.touch(mode=0o600)
        self._log = log.open("a")

    def say(self, line: str) -> None:
        stamped = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n"
        self._log.write(stamped)
        self._log.flush()
        self._tell(line)

    def begin(self) -> None:
        """Write the record, so that other commands know this process."""
        self._write()

    def prepare(self, plan: Planner) -> Supervisor:
        """Return the supervisor of what is planned, not started yet, and record what clients have to know.

        A second call plans anew: what the first had reserved is given back.

        Raises:
            StackError: something that the plan needs is not to be had.
        """
        self._release()
        planned = plan(self._data_dir, self.say)
        self._release = planned.release
        self._settings = dict(planned.settings)
        self._write()
        return Supervisor(planned.stages, self._log_dir, self._stack_id, self.say, self._changed)

    def _changed(self, parts: tuple[PartRecord, ...]) -> None:
        self._parts = parts
        self._write()

    def ready(self) -> None:
        """Record that every part is ready, and say where things are."""
        status = records.status(self._data_dir)
        places = {"the desk": status.desk, "Temporal's Web UI": status.temporal_ui, "mail": status.mail_dir}
        self.say("   ".join(["The stack is up.", *(f"{name}: {place}" for name, place in places.items() if place)]))
        self._state = "running"
        self._write()

    def stopping(self) -> None:
        self._state = "stopping"
        self._write()
        self.say("Stopping.")

    def close(self) -> None:
        self._state = "stopped"
        self._write()
        self._release()
        self._log.close()

    def _write(self) -> None:
        supervisor = None if self._state == "stopped" else self._me
        records.write(self._data_dir, StackRecord(self._stack_id, self._state, supervisor, self._parts, self._settings))
