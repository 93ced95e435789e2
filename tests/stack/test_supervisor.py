"""The supervisor alone, with small programs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from starter.stack import supervisor as module
from starter.stack.errors import StackError
from starter.stack.launch import Launch
from starter.stack.processes import marked
from starter.stack.record import PartRecord
from starter.stack.supervisor import Part, Supervisor
from tests.stack.helpers import wait_until

FOREVER = "while :; do sleep 0.05; done"


class Watched:
    """A supervisor with what it said and recorded."""

    def __init__(self, tmp_path: Path, *stages: list[Part]) -> None:
        self.said: list[str] = []
        self.parts: tuple[PartRecord, ...] = ()
        self.stack_id = f"test-{tmp_path.name}"
        self.supervisor = Supervisor(stages, tmp_path / "logs", self.stack_id, self.said.append, self._changed)

    def _changed(self, parts: tuple[PartRecord, ...]) -> None:
        self.parts = parts

    def part(self, name: str) -> PartRecord:
        return next(part for part in self.parts if part.name == name)

    @contextmanager
    def running(self) -> Iterator[None]:
        assert self.supervisor.start()
        thread = threading.Thread(target=self.supervisor.run)
        thread.start()
        try:
            yield
        finally:
            self.supervisor.request_stop()
            thread.join()
            self.supervisor.stop()


def shell(name: str, script: str, **more) -> Part:
    return Part(name, lambda: Launch(("sh", "-c", script)), more.pop("ready", lambda: True), **more)


def test_stages_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    log = tmp_path / "order"

    def part(name: str) -> Part:
        sign = tmp_path / name
        script = f"trap 'echo -{name} >> {log}; exit' TERM; echo +{name} >> {log}; touch {sign}; {FOREVER}"
        return shell(name, script, ready=sign.exists)

    watched = Watched(tmp_path, [part("a")], [part("b")], [part("c")])
    with watched.running():
        assert [part.state for part in watched.parts] == ["running"] * 3
    assert log.read_text().split() == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert [part.state for part in watched.parts] == ["stopped"] * 3


def test_what_follows_readiness_runs_before_the_next_stage(tmp_path: Path) -> None:
    happened: list[str] = []
    first = shell("a", "sleep 60", first_ready=lambda: happened.append("after a"))
    second = shell("b", "sleep 60", prepare=lambda: happened.append("before b"))
    with Watched(tmp_path, [first], [second]).running():
        assert happened == ["after a", "before b"]


def test_a_part_that_keeps_dying_is_started_ever_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BACKOFF_FIRST", 0.05)
    monkeypatch.setattr(module, "_BACKOFF_LIMIT", 0.2)
    watched = Watched(tmp_path, [shell("flapping", "sleep 0.8; exit 7")])
    with watched.running():
        wait_until(lambda: sum("starting it again" in line for line in watched.said) >= 4)
    pauses = [line.split(" in ")[1].split(" s")[0] for line in watched.said if "starting it again" in line]
    assert pauses[:4] == ["0.05", "0.1", "0.2", "0.2"]
    assert "flapping ended with exit status 7" in "\n".join(watched.said)


def test_failures_are_forgotten_after_a_healthy_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BACKOFF_FIRST", 0.01)
    monkeypatch.setattr(module, "_HEALTHY_AFTER", 0.2)
    watched = Watched(tmp_path, [shell("rare", "sleep 0.8; exit 1")])
    with watched.running():
        wait_until(lambda: sum("starting it again" in line for line in watched.said) >= 3)
    assert all("in 0.01 s" in line for line in watched.said if "starting it again" in line)


def test_a_part_that_is_never_ready_again_is_killed_and_started_again(tmp_path: Path) -> None:
    answers = iter([True])
    part = shell("hung", "sleep 60", ready=lambda: next(answers, False), patience=0.2)
    watched = Watched(tmp_path, [part])
    with watched.running():
        first = watched.part("hung").identity
        assert first is not None
        first.send(9)
        wait_until(lambda: any("was not ready, and showed no progress for 0.2 s" in line for line in watched.said))


def test_a_part_that_will_not_stop_is_killed_with_what_it_started(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    script = f"trap '' TERM; setsid sh -c \"trap '' TERM; touch {sign}; {FOREVER}\" & {FOREVER}"
    watched = Watched(tmp_path, [shell("deaf", script, ready=sign.exists, stop_within=0.2)])
    with watched.running():
        assert len(marked(watched.stack_id)) >= 2
    assert marked(watched.stack_id) == []
    assert "deaf did not stop within 0.2 s and was killed" in watched.said


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (shell("a", "echo sorry; exit 2"), "ended with exit status 2 before it was ready.*sorry"),
        (
            shell("a", "echo waiting; sleep 60", ready=lambda: False, patience=0.3),
            "not ready, and showed no progress for 0.3 s.*waiting",
        ),
        (Part("a", lambda: Launch(("/no/such/program",)), lambda: True), "a can't be started.*No such file"),
    ],
)
def test_a_failed_start_says_why(tmp_path: Path, part: Part, message: str) -> None:
    if "exit 2" in str(part.command().argv):
        part = Part(part.name, part.command, lambda: False)
    watched = Watched(tmp_path, [part])
    with pytest.raises(StackError, match=f"(?s){message}"):
        watched.supervisor.start()
    watched.supervisor.stop()
    assert marked(watched.stack_id) == []


def test_a_slow_part_is_waited_for_as_long_as_its_log_grows(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    script = f"for n in $(seq 30); do echo step $n; sleep 0.1; done; touch {sign}; sleep 60"
    with Watched(tmp_path, [shell("slow", script, ready=sign.exists, patience=1.0)]).running():
        assert "step 30" in (tmp_path / "logs" / "slow.log").read_text()


def test_a_part_of_an_earlier_stage_that_dies_meanwhile_is_told_and_started_again(tmp_path: Path) -> None:
    first, go, second = tmp_path / "first", tmp_path / "go", tmp_path / "second"
    dies_once = f"[ -e {first} ] && sleep 60; touch {first}; until [ -e {go} ]; do sleep 0.05; done; exit 4"
    comes_later = f"until [ -e {second} ]; do sleep 0.05; done; sleep 60"
    parts = [shell("early", dies_once, ready=first.exists)], [shell("late", comes_later, ready=second.exists)]
    watched = Watched(tmp_path, *parts)

    def let_it_come() -> None:
        wait_until(lambda: watched.parts and watched.part("late").state == "restarting")
        go.touch()
        wait_until(lambda: any("early ended with exit status 4" in line for line in watched.said))
        wait_until(lambda: watched.part("early").state == "running" and watched.said[-1].startswith("early is ready"))
        second.touch()

    thread = threading.Thread(target=let_it_come)
    thread.start()
    with watched.running():
        assert watched.part("late").state == "running"
    thread.join()


def test_a_stop_while_starting_is_heeded(tmp_path: Path) -> None:
    watched = Watched(tmp_path, [shell("slow", "sleep 60", ready=lambda: False)])
    threading.Timer(0.2, watched.supervisor.request_stop).start()
    assert watched.supervisor.start() is False
    watched.supervisor.stop()
    assert marked(watched.stack_id) == []


def test_a_part_gets_private_files_and_no_terminal(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    watched = Watched(
        tmp_path, [shell("a", f"umask; readlink /proc/self/fd/0; touch {sign}; sleep 60", ready=sign.exists)]
    )
    with watched.running():
        assert (tmp_path / "logs" / "a.log").read_text().split() == ["0077", "/dev/null"]
