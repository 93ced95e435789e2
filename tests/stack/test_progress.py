"""What counts as progress of a part that is not ready yet. The clock is the test's own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from starter.stack.processes import Identity
from starter.stack.progress import Progress
from tests.stack.helpers import wait_until


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "log"
    file.touch()
    return file


@pytest.fixture
def idle() -> Iterator[Identity]:
    yield from running("sleep", "60")


@pytest.fixture
def busy() -> Iterator[Identity]:
    yield from running("sh", "-c", "while :; do :; done")


def running(*command: str) -> Iterator[Identity]:
    process = subprocess.Popen(command)
    identity = Identity.of(process.pid)
    assert identity is not None
    yield identity
    process.kill()
    process.wait()


def test_one_that_does_nothing_is_given_up(log: Path, idle: Identity) -> None:
    progress = Progress(log, idle, 0, patience=60, limit=600)
    assert progress.given_up(59) is None
    assert progress.given_up(61) == "was not ready, and showed no progress for 60 s"


def test_each_line_of_its_log_begins_the_patience_anew(log: Path, idle: Identity) -> None:
    progress = Progress(log, idle, 0, patience=60, limit=600)
    for now in range(50, 550, 50):
        log.write_text("x" * now)
        assert progress.given_up(now) is None


def test_so_does_using_the_processor(log: Path, busy: Identity) -> None:
    progress = Progress(log, busy, 0, patience=60, limit=10_000)
    clock = iter(range(50, 10_000))

    def past_its_patience() -> bool:
        now = next(clock)
        seen = progress.given_up(now)
        assert seen is None or "no progress" in seen
        return now > 60 and seen is None

    wait_until(past_its_patience)


def test_one_that_is_busy_for_ever_is_given_up_too(log: Path, idle: Identity) -> None:
    progress = Progress(log, idle, 0, patience=60, limit=600)
    for now in range(50, 601, 50):
        log.write_text("x" * now)
        progress.given_up(now)
    log.write_text("x")
    assert progress.given_up(601) == "was not ready within 600 s"
