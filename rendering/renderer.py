"""The child processes that render, from their parent's side: started when first needed, ended when they overdo it."""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import structlog

_READY = b"ready\n"
_DECIMAL = "__decimal__"
_ENDING = "this process is ending: try again soon"
_START = 60
"""Seconds in which a child has to be ready, on a machine that is very busy."""
_LONGEST_ANSWER = 32 * 2**20
"""Bytes."""
_log = structlog.get_logger(__name__)


class BeyondLimitsError(ValueError):
    """A text takes more time, memory or room than anybody's text may. The words are for who wrote it."""


class NotRenderedError(ValueError):
    """A text cannot be rendered: the words say why."""


class RendererAwayError(RuntimeError):
    """Nothing can be rendered right now, whatever the text: try again soon."""


@dataclass(frozen=True)
class Limits:
    """What one text may cost."""

    cpu_seconds: float = 2
    wall_seconds: float = 8
    """After which it is not waited for, on a machine that is too busy: which is not the text's fault."""
    memory_bytes: int = 128 * 2**20
    """Beyond what a child needs to be there."""
    input_characters: int = 250_000
    requests: int = 1000
    """How many a child answers before it is replaced."""


class Renderer:
    """Renders in child processes, each of which has one text at a time. May be called from several threads.

    Args:
        limits: what one text may cost.
        children: how many texts are rendered at once: while one takes all it may, others go on.
    """

    def __init__(self, limits: Limits | None = None, children: int = 2) -> None:
        self.limits = limits or Limits()
        self._places = threading.BoundedSemaphore(children)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._working: set[_Child] = set()
        self._closed = False

    def ask(self, job: str, request: Mapping[str, Any], *, patience: float = 20) -> Any:
        """Return what a child makes of a request.

        Args:
            job: what is to be done: see `rendering.child`.
            request: what it takes: strings, numbers (also Decimal), None, and lists and dicts of them.
            patience: how many seconds to wait until a child is free.

        Raises:
            BeyondLimitsError: it takes too much time, memory or room.
            NotRenderedError: it cannot be done.
            RendererAwayError: no child is free in time, or none can be started.
            TypeError: something in the request is not plain data.
        """
        length, most = (
            sum(len(text) for text in request.values() if isinstance(text, str)),
            self.limits.input_characters,
        )
        if length > most:
            raise BeyondLimitsError(
                f"this is {length:,} characters, and more than {most:,} are not laid out: shorten it"
            )
        line = json.dumps({"job": job, **request}, default=_decimal).encode() + b"\n"
        if not self._places.acquire(timeout=patience):
            raise RendererAwayError("too many texts are being rendered at this moment: try again soon")
        try:
            answer = self._answer(line)
        finally:
            self._places.release()
        if "done" in answer:
            return answer["done"]
        if "refused" in answer:
            raise NotRenderedError(str(answer["refused"]))
        _log.warning("a text is beyond the limits of rendering", job=job, why=answer["beyond"])
        raise BeyondLimitsError(self._words(str(answer["beyond"]), request))

    def _answer(self, line: bytes) -> dict[str, Any]:
        """Ask a child; one that ends for no reason we know, which need not be the text's, is asked once more."""
        answer: dict[str, Any] | None = None
        for _ in range(2):
            child = self._child()
            answer = child.exchange(line, self.limits.wall_seconds)
            if answer is not None:
                self._leave(child, reuse="spent" not in answer)
                return answer
            code = child.end()
            self._leave(child)
            if self._closed:
                raise RendererAwayError(_ENDING)
            if child.timed_out:  # without having computed for as long as it may
                raise RendererAwayError("this machine is too busy to lay this text out: try again soon")
            if code in _TIME_IS_UP:
                return {"beyond": "time"}
        return {"beyond": "crash"}

    def _child(self) -> "_Child":
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    self._working.add(child)
                    return child
                child.end()
        if self._closed:
            raise RendererAwayError(_ENDING)
        child = _Child(self.limits)
        with self._lock:
            if not self._closed:  # as it may be by now: `close` would have missed this one
                self._working.add(child)
                return child
        child.end()
        raise RendererAwayError(_ENDING)

    def _leave(self, child: "_Child", *, reuse: bool = False) -> None:
        with self._lock:
            self._working.discard(child)
            if reuse and child.is_alive and not self._closed:
                self._idle.append(child)
                return
        child.end()

    def close(self) -> None:
        """End all children; who waits for one is told."""
        with self._lock:
            self._closed = True
            children = [*self._idle, *self._working]
            self._idle.clear()
        for child in children:
            child.kill()
            child.end()

    def _words(self, beyond: str, request: Mapping[str, Any]) -> str:
        limits = self.limits
        return {
            "time": f"this text takes more than {limits.cpu_seconds:g} seconds to lay out: make it shorter or simpler",
            "memory": f"this text takes more than {limits.memory_bytes // 2**20} MB of memory to lay out: "
            "make it shorter or simpler",
            "length": f"this text becomes longer than {request.get('longest', 0):,} characters: shorten it",
        }.get(beyond, "this text cannot be laid out, it ended the process that tried: make it simpler")


_TIME_IS_UP = (-signal.SIGPROF, -signal.SIGXCPU)


class _Child:
    """One child process.

    Raises:
        RendererAwayError: it does not start.
    """

    def __init__(self, limits: Limits) -> None:
        told = {name: getattr(limits, name) for name in ("cpu_seconds", "memory_bytes", "requests")}
        command = [sys.executable, "-P", "-X", "utf8", "-m", "rendering.child", json.dumps(told)]
        # Nothing of our environment, which has passwords in it, but what a Python may need to start.
        environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        places = [str(Path(__file__).resolve().parent.parent), *sys.path]
        environment["PYTHONPATH"] = os.pathsep.join(place for place in places if place)
        self.timed_out = False
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise RendererAwayError(f"the process that renders texts cannot be started: {error}") from error
        if self._within(_START, b"") != _READY:
            raise RendererAwayError(f"the process that renders texts did not start: it ended with {self.end()}")

    @property
    def is_alive(self) -> bool:
        return not self.timed_out and self._process.poll() is None

    def exchange(self, line: bytes, seconds: float) -> dict[str, Any] | None:
        """Return its answer to a request; None where it ended instead, by itself or because of the time."""
        try:
            answer = json.loads(self._within(seconds, line))
        except ValueError:  # half a line, or none
            return None
        return answer if isinstance(answer, dict) else None

    def _within(self, seconds: float, line: bytes) -> bytes:
        pipes = self._process
        if pipes.stdin is None or pipes.stdout is None:  # which they never are
            return b""
        timer = threading.Timer(seconds, self._time_out)
        timer.daemon = True
        timer.start()
        try:
            pipes.stdin.write(line)
            pipes.stdin.flush()
            return pipes.stdout.readline(_LONGEST_ANSWER)
        except (OSError, ValueError):  # ValueError: closed meanwhile
            return b""
        finally:
            timer.cancel()

    def _time_out(self) -> None:
        self.timed_out = True
        self.kill()

    def kill(self) -> None:
        """End it at once; may be called from any thread."""
        self._process.kill()

    def end(self) -> int:
        """End it, let go of it, and return its exit code."""
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent yet: nobody is there to read it
                    pipe.close()
        return code


def _decimal(value: object) -> dict[str, str]:
    if type(value) is Decimal:
        return {_DECIMAL: str(value)}
    raise TypeError(f"{type(value).__name__} is not plain data")


@cache
def shared() -> Renderer:
    made = Renderer()
    atexit.register(made.close)
    return made
