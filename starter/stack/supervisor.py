"""Start programs in order, look after them, and stop them in reverse order."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runtime.files import ensure_private_dir
from starter.stack import ports
from starter.stack.errors import PortStolenError, StackError
from starter.stack.launch import Launch
from starter.stack.processes import PART_VARIABLE, Identity, descendants, kill_marked, tail, wait_gone
from starter.stack.progress import PATIENCE, Progress
from starter.stack.record import PartRecord, PartState

_TICK = 0.1  # seconds between two looks at the parts
_BACKOFF_FIRST, _BACKOFF_LIMIT = 0.5, 30.0  # seconds before a part is started again
_HEALTHY_AFTER = 60.0  # seconds a part has to run before its past failures are forgotten
_NEWS = 15.0  # seconds between two words about what is still waited for
_LOG_LIMIT = 16 * 1024 * 1024  # bytes of a part's log, after which a start puts it aside as `<part>.log.1`


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Part:
    """One program to run and look after.

    Args:
        name: Its name, also that of its log.
        command: Returns how to start it; asked for at every start.
        ready: Tells, within a few seconds and without raising, whether it does its work.
        port: The port it listens on, for the record.
        own_ports: All ports on which nobody else may listen once it works.
        prepare: Runs before every start.
        first_ready: Runs once, when it has become ready for the first time and before any later stage starts.
        patience: Seconds without a sign of progress, after which it is given up while it is not ready.
        stop_signal: What asks it to stop in good order.
        stop_within: Seconds it may take to stop before it is killed.
    """

    name: str
    command: Callable[[], Launch]
    ready: Callable[[], bool]
    port: int | None = None
    own_ports: tuple[int, ...] = ()
    prepare: Callable[[], None] = nothing
    first_ready: Callable[[], None] = nothing
    patience: float = PATIENCE
    stop_signal: int = signal.SIGTERM
    stop_within: float = 15.0


class _Running:
    """One part and the process it has at the moment."""

    def __init__(self, part: Part, log: Path, stack_id: str) -> None:
        self.part = part
        self.log = log
        self.mark = f"{stack_id}/{part.name}"
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self.state: PartState = "stopped"
        self.failures = 0
        self.since = 0.0  # when its process was started, or has become ready, or (without one) is to be started
        self.progress: Progress | None = None  # of a process that is not ready yet
        self._log_began = 0  # where in the log this process's output begins

    def start(self) -> None:
        self.part.prepare()
        with self._open_log() as log:
            self._log_began = log.tell()
            self.process = self.part.command().start(log, extra_env={PART_VARIABLE: self.mark})
        self.identity = Identity.of(self.process.pid)
        self.state = "restarting"
        self.since = time.monotonic()
        self.progress = Progress(self.log, self.identity, self.since, patience=self.part.patience)

    def given_up(self) -> str | None:
        """Return why it is waited for no longer to become ready; None while it is."""
        return None if self.progress is None else self.progress.given_up(time.monotonic())

    def works(self) -> bool:
        """Tell whether it is ready, and no stranger on its port answers in its place."""
        return self.part.ready() and self._stranger() is None

    def stolen(self) -> str | None:
        """Return which port of its own another program has, in words; None where that is not seen."""
        port = self._stranger()
        if port is not None:
            return f"port {port} was taken by {ports.holder(port)}"
        if self.part.own_ports and "address already in use" in tail(self.log, since=self._log_began).lower():
            return "its port was taken by another program"
        return None

    def _stranger(self) -> int | None:
        family = [self.identity, *descendants(self.identity)] if self.identity else []
        ours = {identity.pid for identity in family}
        return next((port for port in self.part.own_ports if ports.held_by_another(port, ours)), None)

    def tail(self) -> str:
        """Return the end of what this process wrote, for a message."""
        return f"The end of {self.log}:\n{tail(self.log, since=self._log_began)}"

    def _open_log(self) -> IO[bytes]:
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > _LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        return self.log.open("ab")

    def ended(self) -> str | None:
        """Return how the process ended, in words; None while it runs or where there is none."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        return f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"

    def kill_rest(self) -> None:
        """Kill what the ended process left behind."""
        kill_marked(self.mark)

    def record(self) -> PartRecord:
        identity = self.identity
        pid, started = (None, None) if identity is None else (identity.pid, identity.started)
        return PartRecord(self.part.name, self.state, pid, started, self.part.port)


class Supervisor:
    """Runs parts. The parts of one stage start together, and a stage starts when all before it are ready.

    Args:
        stages: The parts, in the order in which they start.
        log_dir: Where each part's output goes, as `<part>.log`.
        stack_id: Marks the parts' processes, so that none is ever lost from sight.
        say: Takes one line for a person at a time.
        changed: Takes the parts' records each time one of them has changed.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Part]],
        log_dir: Path,
        stack_id: str,
        say: Callable[[str], None],
        changed: Callable[[tuple[PartRecord, ...]], None],
    ) -> None:
        ensure_private_dir(log_dir)
        self._stages = [[_Running(part, log_dir / f"{part.name}.log", stack_id) for part in stage] for stage in stages]
        self._stack_id = stack_id
        self._say = say
        self._changed = changed
        self._stop = threading.Event()

    @property
    def _all(self) -> list[_Running]:
        return [running for stage in self._stages for running in stage]

    def request_stop(self) -> None:
        """Have `start` or `run` return soon; may be called from a signal handler."""
        self._stop.set()

    def start(self) -> bool:
        """Start every part and wait until all are ready.

        Returns:
            False where a stop was requested meanwhile.

        Raises:
            StackError: a part ended or did not become ready in time; the message quotes the end of its log. What was
                started so far still runs: call `stop`.
        """
        ready: list[_Running] = []
        for stage in self._stages:
            for running in stage:
                self._start_first(running)
            waiting, told = list(stage), time.monotonic()
            while waiting:
                if self._stop.wait(_TICK):
                    return False
                for running in ready:
                    self._look_after(running)
                ready += [running for running in waiting if self._became_ready(running)]
                waiting = [running for running in waiting if running not in ready]
                if waiting and time.monotonic() - told > _NEWS:
                    told = time.monotonic()
                    names = ", ".join(f"{running.part.name} ({told - running.since:.0f} s)" for running in waiting)
                    self._say(f"Waiting for {names}: slow, but not stuck.")
        return True

    def _start_first(self, running: _Running) -> None:
        try:
            running.start()
        except OSError as error:
            raise StackError(f"{running.part.name} can't be started: {error}.") from error
        self._record()

    def _became_ready(self, running: _Running) -> bool:
        name = running.part.name
        how = running.ended()
        if how is not None:
            if (stolen := running.stolen()) is not None:
                raise PortStolenError(f"{name} {how}: {stolen}.")
            raise StackError(f"{name} {how} before it was ready. {running.tail()}")
        if not running.works():
            how = running.given_up()
            if how is not None:
                if (stolen := running.stolen()) is not None:
                    raise PortStolenError(f"{name} {how}: {stolen}.")
                raise StackError(f"{name} {how}. {running.tail()}")
            return False
        running.part.first_ready()
        self._is_ready(running)
        return True

    def _is_ready(self, running: _Running) -> None:
        took = time.monotonic() - running.since
        running.state = "running"
        running.since = time.monotonic()
        running.progress = None
        self._say(f"{running.part.name} is ready ({took:.1f} s)")
        self._record()

    def run(self) -> None:
        """Look after the parts until a stop is requested: one that dies is started again, each time a little later."""
        while not self._stop.wait(_TICK):
            for running in self._all:
                self._look_after(running)

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        how = running.ended()
        if how is not None:
            stolen = running.stolen()
            self._again_later(running, f"{how} ({stolen})" if stolen else how)
        elif running.process is None:
            if now >= running.since:
                self._start_again(running)
        elif running.state == "restarting":
            if running.works():
                self._is_ready(running)
            elif (how := running.given_up()) is not None:
                running.process.kill()
                running.process.wait()
                self._again_later(running, how)
        elif running.failures and now - running.since > _HEALTHY_AFTER:
            running.failures = 0

    def _start_again(self, running: _Running) -> None:
        try:
            running.start()
        except (OSError, StackError) as error:
            self._again_later(running, f"can't be started: {error}")
        else:
            self._record()

    def _again_later(self, running: _Running, how: str) -> None:
        pause = min(_BACKOFF_FIRST * 2**running.failures, _BACKOFF_LIMIT)
        running.failures += 1
        running.process = None
        running.identity = None
        running.state = "restarting"
        running.kill_rest()
        running.since = time.monotonic() + pause
        self._say(f"{running.part.name} {how}; starting it again in {pause:g} s (see {running.log})")
        self._record()

    def stop(self) -> None:
        """Stop every part, the last stage first: each is asked to, and killed when its time is up."""
        for stage in reversed(self._stages):
            families = {running: descendants(running.identity) for running in stage if running.identity}
            for running in families:
                if running.process is not None and running.process.poll() is None:
                    running.process.send_signal(running.part.stop_signal)
            asked = time.monotonic()
            for running, family in families.items():
                self._await_end(running, family, asked + running.part.stop_within)
        kill_marked(f"{self._stack_id}/")
        self._record()

    def _await_end(self, running: _Running, family: list[Identity], deadline: float) -> None:
        if running.process is not None:
            try:
                running.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{running.part.name} did not stop within {running.part.stop_within:g} s and was killed")
                running.process.kill()
                running.process.wait()
        for identity in family:
            identity.send(signal.SIGKILL)
        wait_gone(family, 5.0)
        running.process = None
        running.identity = None
        running.state = "stopped"
        self._record()

    def _record(self) -> None:
        self._changed(tuple(running.record() for running in self._all))
