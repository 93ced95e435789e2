"""Up, down and every way of dying in between, with a real PostgreSQL and a small program as the stack."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from starter.stack import ports, record
from starter.stack.postgres import Postgres
from starter.stack.processes import Identity
from tests.patience import PATIENCE
from tests.stack.helpers import (
    all_running,
    kill_part,
    kill_supervisor,
    part_pid,
    processes_of,
    raw_record,
    restarted,
    wait_until,
)

Run = Callable[..., subprocess.CompletedProcess]
COMMAND = [sys.executable, str(Path(__file__).with_name("small_stack.py"))]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    subprocess.run([*COMMAND, "down", str(folder)], check=False, capture_output=True)
    Postgres(folder, 0).destroy()


@pytest.fixture
def run(data_dir: Path) -> Run:
    def call(command: str, *arguments: str) -> subprocess.CompletedProcess:
        whole = [*COMMAND, command, str(data_dir), *arguments]
        return subprocess.run(whole, check=False, capture_output=True, text=True, timeout=PATIENCE)

    return call


def query(data_dir: Path, statement: str) -> list:
    with psycopg.connect(raw_record(data_dir)["settings"]["database_url"].replace("+psycopg", "")) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_kind_12_up_in_the_foreground_says_once_that_it_is_ready(run: Run, data_dir: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "up", str(data_dir), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == ["running"]
        joined = run("up", "--json")
        assert (joined.returncode, json.loads(joined.stdout)) == (0, ["running"])
    finally:
        process.terminate()
        assert process.communicate()[0] == ""


def test_up_detached_returns_and_down_leaves_nothing_but_the_data(run: Run, data_dir: Path) -> None:
    first = run("detach", "--postgres")
    assert first.returncode == 0, first.stderr
    assert "postgres is ready" in first.stderr
    status = record.status(data_dir)
    assert [(part.name, part.state) for part in status.parts] == [("postgres", "running"), ("program", "running")]
    assert (status.smtp, status.mail_dir) == ("127.0.0.1:25", "/mail")
    for name in ("stack.json", "ports.json", "stack.lock", "logs/supervisor.log", "logs/program.log"):
        assert (data_dir / name).stat().st_mode & 0o777 == 0o600, name
    assert data_dir.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    port = raw_record(data_dir)["parts"][0]["port"]

    again = run("detach", "--postgres")
    assert again.returncode == 0
    assert "up already" in again.stderr

    down = run("down")
    assert (down.returncode, down.stderr) == (0, "Stopping the stack.\nThe stack is down.\n")
    assert processes_of(data_dir) == []
    assert [part.state for part in record.status(data_dir).parts] == ["stopped", "stopped"]
    assert "database system is shut down" in (data_dir / "logs" / "postgres.log").read_text()
    twice = run("down")
    assert (twice.returncode, twice.stderr) == (0, "The stack was down already.\n")

    assert run("detach", "--postgres").returncode == 0
    assert raw_record(data_dir)["parts"][0]["port"] == port
    assert query(data_dir, "SELECT answer FROM kept") == [(42,)]


def test_a_killed_part_comes_back_with_its_data_and_is_spoken_of(run: Run, data_dir: Path) -> None:
    assert run("detach", "--postgres").returncode == 0
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    child = Identity.of(int((data_dir / "program.ready").read_text()))
    assert child is not None
    for name in ("postgres", "program"):
        old = kill_part(data_dir, name)
        wait_until(lambda name=name, old=old: restarted(data_dir, name, old))
    assert query(data_dir, "SELECT answer FROM kept") == [(42,)]
    assert not child.alive(), "what the killed program had started still runs"
    said = (data_dir / "logs" / "supervisor.log").read_text()
    assert "program was killed by signal 9; starting it again in 0.5 s" in said


def test_up_after_the_supervisor_was_killed_ends_what_it_left(run: Run, data_dir: Path) -> None:
    assert run("detach", "--postgres").returncode == 0
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    old = {name: part_pid(data_dir, name) for name in ("postgres", "program")}
    kill_supervisor(data_dir)
    assert all_running(data_dir), "the parts go on without it"

    again = run("detach", "--postgres")
    assert again.returncode == 0, again.stderr
    assert "left over from an earlier run" in again.stderr
    assert all(part_pid(data_dir, name) not in (None, pid) for name, pid in old.items())
    assert query(data_dir, "SELECT answer FROM kept") == [(42,)]


def test_down_after_the_supervisor_was_killed_leaves_nothing(run: Run, data_dir: Path) -> None:
    assert run("detach", "--postgres").returncode == 0
    kill_supervisor(data_dir)
    assert processes_of(data_dir)
    assert run("down").returncode == 0
    assert processes_of(data_dir) == []


def test_down_finds_what_no_record_names(run: Run, data_dir: Path) -> None:
    assert run("detach").returncode == 0
    kill_supervisor(data_dir)
    last = record.read(data_dir)
    assert last is not None
    record.write(data_dir, record.StackRecord(last.stack_id, last.state, last.supervisor, (), last.settings))
    assert run("down").returncode == 0
    assert processes_of(data_dir) == []


def test_no_stranger_is_signalled_for_having_a_recorded_pid(run: Run, data_dir: Path) -> None:
    assert run("detach").returncode == 0
    assert run("down").returncode == 0
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        last = record.read(data_dir)
        assert last is not None
        part = record.PartRecord("program", "running", stranger.pid, "another boot:1")
        record.write(data_dir, record.StackRecord(last.stack_id, "running", last.supervisor, (part,), last.settings))
        assert run("down").returncode == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_part_that_does_not_start_is_quoted_and_the_rest_is_stopped(run: Run, data_dir: Path) -> None:
    failed = run("detach", "--broken")
    assert failed.returncode == 1
    assert "program ended with exit status 3 before it was ready" in failed.stderr
    assert "no such luck" in failed.stderr
    assert processes_of(data_dir) == []


def test_down_stops_a_stack_that_is_still_getting_what_it_needs(run: Run, data_dir: Path) -> None:
    process = subprocess.Popen([*COMMAND, "detach", str(data_dir), "--slow"], stderr=subprocess.PIPE, text=True)
    wait_until((data_dir / "planning").exists)
    assert run("down").returncode == 0
    assert "stopped before it was ready" in process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 1
    assert processes_of(data_dir) == []


def test_two_ups_at_once_make_one_stack(run: Run, data_dir: Path) -> None:
    both = [subprocess.Popen([*COMMAND, "detach", str(data_dir)], stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=PATIENCE) for process in both] == [0, 0]
    assert all_running(data_dir)
    assert len([line for line in processes_of(data_dir) if "sleep 300 &" in line]) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_foreground_stack_stops_in_order_when_told(run: Run, data_dir: Path, number: int) -> None:
    process = subprocess.Popen([*COMMAND, "up", str(data_dir)], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (data_dir / "stack.json").exists() and raw_record(data_dir)["state"] == "running")
    process.send_signal(number)
    said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, said
    assert said.endswith("Stopping.\n")
    assert processes_of(data_dir) == []


def test_a_remembered_port_that_was_taken_meanwhile_is_replaced(run: Run, data_dir: Path) -> None:
    assert run("detach").returncode == 0
    port = raw_record(data_dir)["parts"][0]["port"]
    assert run("down").returncode == 0
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        again = run("detach")
    assert again.returncode == 0, again.stderr
    assert f"Port {port} (postgres) is in use" in again.stderr
    assert raw_record(data_dir)["parts"][0]["port"] != port


def test_a_port_that_a_stranger_took_after_it_was_chosen_is_replaced(run: Run, data_dir: Path) -> None:
    """The stranger takes connections on it too: what answers there must not pass for the part."""
    started = run("detach", "--stolen")
    assert started.returncode == 0, started.stderr
    assert "Starting again with other ports." in started.stderr
    port = raw_record(data_dir)["parts"][0]["port"]
    assert ports.listeners(port) == [part_pid(data_dir, "program")]
    assert json.loads((data_dir / "ports.json").read_text())["temporal_ui"] == port
    assert run("down").returncode == 0
    assert processes_of(data_dir) == []
