"""Bring a stack up and down, whatever its parts are: one at a time in a data folder, and nothing of it left behind.

These functions talk to a person on stderr and return an exit status. `control` says what the stack is made of.
"""

import fcntl
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from runtime.files import ensure_private_dir
from starter.stack import record as records
from starter.stack.errors import PortStolenError, StackError
from starter.stack.files import ensure_data_dir
from starter.stack.leftovers import end_leftovers
from starter.stack.processes import wait_gone
from starter.stack.record import StackRecord
from starter.stack.session import Planner, Session
from starter.stack.supervisor import nothing

if TYPE_CHECKING:
    from starter.stack.processes import Identity

DONE, FAILED = 0, 1

_STOP_LIMIT = 120.0  # seconds the whole stack may take to stop in good order
_PORT_TRIES = 5  # starts, each with other ports, before one that is stolen again and again is told of
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def say(line: str) -> None:
    with suppress(OSError):  # a closed terminal must not end the stack
        print(line, file=sys.stderr, flush=True)  # noqa: T201


def _lock(data_dir: Path) -> IO[str] | None:
    """Take this data folder for ourselves; None where another process has it. Closing the file gives it back."""
    path = data_dir / "stack.lock"
    path.touch(mode=0o600)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _take(data_dir: Path) -> IO[str] | StackRecord:
    """Take the data folder, or return the record of the stack that has it.

    Raises:
        StackError: another command holds it and does not let go.
    """
    deadline = time.monotonic() + _STOP_LIMIT
    told = False
    while True:
        lock = _lock(data_dir)
        if lock is not None:
            return lock
        record = records.read(data_dir)
        if record is not None and record.supervised and record.state in ("starting", "running"):
            return record
        if time.monotonic() > deadline:
            raise StackError(f"Another command holds {data_dir} and does not let go of it.")
        if not told:
            say(f"Waiting for another command to finish with {data_dir}.")
            told = True
        time.sleep(0.1)


def _up_already(record: StackRecord, data_dir: Path) -> str:
    how = "up already" if record.state == "running" else "being started already"
    pid = record.supervisor.pid if record.supervisor else None
    return f"The stack in {data_dir} is {how} (supervisor pid {pid})."


def up(data_dir: Path, plan: Planner, *, detached: bool = False, ready: Callable[[], None] = nothing) -> int:
    """Run the stack in this process until SIGTERM, SIGINT or SIGHUP.

    Args:
        data_dir: The data folder; created if missing.
        plan: Says what the stack is made of, once the folder is ours.
        detached: Our stderr is the supervisor's own log already, so that nothing needs to be said twice.
        ready: Called once when every part is ready, also where the stack is up already.

    Returns:
        0 after an orderly stop, or where the stack is up already; 1 where it can't be started (stderr says why).
    """
    try:
        data_dir = ensure_data_dir(data_dir)
        taken = _take(data_dir)
        if isinstance(taken, StackRecord):
            say(_up_already(taken, data_dir))
            ready()
            return DONE
        with taken, _signals_exit():
            return _run(data_dir, plan, _nobody if detached else say, ready)
    except (StackError, OSError) as error:
        say(str(error))
        return FAILED


def _nobody(_line: str) -> None:
    pass


def _run(data_dir: Path, plan: Planner, tell: Callable[[str], None], ready: Callable[[], None]) -> int:
    last = records.read(data_dir)
    stack_id = last.stack_id if last else secrets.token_hex(8)
    session = Session(data_dir, stack_id, dict(last.settings) if last else {}, tell)
    try:
        session.begin()
        if last is not None:
            end_leftovers(data_dir, last, session.say)
        tries = 1
        while _stolen(session, plan, ready, last=tries == _PORT_TRIES):
            tries += 1
    except (StackError, OSError) as error:
        session.say(str(error))
        return FAILED
    except SystemExit:  # a signal before there was anything to look after
        return DONE
    finally:
        session.close()
    return DONE


def _stolen(session: Session, plan: Planner, ready: Callable[[], None], *, last: bool) -> bool:
    """Start the stack and look after it until it is told to stop; True where a port was stolen before it was up.

    Raises:
        StackError: it can't be started; with `last` also where a port was stolen.
    """
    supervisor = session.prepare(plan)
    stolen = False
    with _signals(lambda _number, _frame: supervisor.request_stop()):
        try:
            if supervisor.start():
                session.ready()
                ready()
                supervisor.run()
        except PortStolenError as error:
            if last:
                raise
            session.say(f"{error} Starting again with other ports.")
            stolen = True
        finally:
            if not stolen:
                session.stopping()
            supervisor.stop()
    return stolen


@contextmanager
def _signals(handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _STOPS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def _signals_exit() -> Iterator[None]:
    """Have the stop signals raise SystemExit, so that what is under way is undone on the way out."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(DONE)

    with _signals(leave):
        yield


_detached: list[subprocess.Popen[bytes]] = []  # kept, so that none is awaited or complained about


def up_detached(data_dir: Path, command: Sequence[str]) -> int:
    """Start the stack in the background; return when every part is ready.

    The stack holds none of the caller's files or pipes open, and has a session of its own. Progress goes to stderr.

    Args:
        data_dir: The data folder; created if missing.
        command: A program that calls `up` for this folder, detached.

    Returns:
        0 where it is up (also where it was already), 1 where it can't be started.
    """
    try:
        data_dir = ensure_data_dir(data_dir)
        log = ensure_private_dir(data_dir / "logs") / "supervisor.log"
        record = records.read(data_dir)
        if record is not None and record.supervised and record.state == "running":
            say(_up_already(record, data_dir))
            return DONE
        log.touch(mode=0o600)
        with log.open("ab") as output:
            begin = output.tell()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, umask=0o077
            )
        _detached.append(process)
        return _await_ready(process, data_dir, log, begin)
    except (StackError, OSError) as error:
        say(str(error))
        return FAILED


def _await_ready(process: subprocess.Popen[bytes], data_dir: Path, log: Path, begin: int) -> int:
    with log.open("rb") as progress:
        progress.seek(begin)
        try:
            while True:
                ended = process.poll()
                for line in progress.read().decode(errors="replace").splitlines():
                    say(line.partition("Z ")[2] or line)
                if ended is not None:
                    return _joined(data_dir) if ended == DONE else FAILED
                record = records.read(data_dir)
                if record and record.supervisor and record.supervisor.pid == process.pid and record.state == "running":
                    return DONE
                time.sleep(0.1)
        except KeyboardInterrupt:
            say("Stopping what was started.")
            process.terminate()
            process.wait()
            return FAILED


def _joined(data_dir: Path) -> int:
    """Wait for the stack that another command is starting at the same time."""
    while (record := records.read(data_dir)) is not None and record.supervised:
        if record.state == "running":
            return DONE
        time.sleep(0.1)
    say("The stack was stopped before it was ready.")
    return FAILED


def down(data_dir: Path) -> int:
    """Stop the stack of this data folder, with everything that an earlier one may have left; the data stays.

    Returns:
        0 when nothing of it runs any more (also where nothing ran), 1 where it can't be stopped (stderr says why).
    """
    data_dir = data_dir.expanduser().absolute().resolve()
    try:
        if not records.path(data_dir).exists():
            say(f"No stack ever ran in {data_dir}.")
            return DONE
        lock = _lock(data_dir)
        asked = lock is None
        with lock or _stop_supervisor(data_dir):
            record = records.read(data_dir)
            if record is not None:
                ended = end_leftovers(data_dir, record, say)
                say(
                    "The stack is down."
                    if asked or ended or record.state != "stopped"
                    else "The stack was down already."
                )
                records.write(data_dir, StackRecord(record.stack_id, settings=record.settings, parts=_stopped(record)))
    except (StackError, OSError) as error:
        say(str(error))
        return FAILED
    return DONE


def _stop_supervisor(data_dir: Path) -> IO[str]:
    """Ask the supervisor to stop the stack, kill it when its time is up, and return the lock it held."""
    asked: Identity | None = None
    deadline = time.monotonic() + _STOP_LIMIT
    while (lock := _lock(data_dir)) is None:
        record = records.read(data_dir)
        supervisor = record.supervisor if record else None
        if supervisor is not None and supervisor != asked and supervisor.alive():
            supervisor.send(signal.SIGTERM)
            asked = supervisor
            say("Stopping the stack.")
        if time.monotonic() > deadline:
            if asked is None:
                raise StackError(f"Another command holds {data_dir} and does not let go of it.")
            asked.send(signal.SIGKILL)
            deadline += 10.0
        time.sleep(0.05)
    if asked is not None and not wait_gone([asked], 10.0):  # it let go of the folder as its last act; see it out
        asked.send(signal.SIGKILL)
    return lock


def _stopped(record: StackRecord) -> tuple[records.PartRecord, ...]:
    return tuple(records.PartRecord(part.name, "stopped", port=part.port) for part in record.parts)
