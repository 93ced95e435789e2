import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from starter.stack import ports
from starter.stack.errors import PortTakenError, StackError
from starter.stack.ports import Reservations


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def reserved() -> Iterator[Reservations]:
    made = Reservations()
    yield made
    made.close()


def test_the_choice_is_remembered(tmp_path: Path, said: list[str], reserved: Reservations) -> None:
    first = ports.choose(tmp_path, {}, said.append, reserved)
    assert set(first) == set(ports.DEFAULTS)
    assert len(set(first.values())) == len(first)
    said.clear()
    reserved.close()
    assert ports.choose(tmp_path, {}, said.append, reserved) == first
    assert said == []
    assert (tmp_path / "ports.json").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_replaced(tmp_path: Path, taken: int, said: list[str], reserved: Reservations) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"smtp": taken}))
    chosen = ports.choose(tmp_path, {}, said.append, reserved)
    assert chosen["smtp"] != taken
    assert ports.free(chosen["smtp"])
    assert any(f"Port {taken} (smtp) is in use; taking {chosen['smtp']} instead." in line for line in said)


def test_a_taken_port_that_was_named_is_refused_with_who_has_it(
    tmp_path: Path, taken: int, said: list[str], reserved: Reservations
) -> None:
    with pytest.raises(PortTakenError, match=rf"--temporal-ui-port {taken}: .*pid {os.getpid()}"):
        ports.choose(tmp_path, {"temporal_ui": taken}, said.append, reserved)
    assert not (tmp_path / "ports.json").exists()


def test_one_port_cannot_be_named_for_two_parts(
    tmp_path: Path, port: int, said: list[str], reserved: Reservations
) -> None:
    with pytest.raises(StackError, match="another part"):
        ports.choose(tmp_path, {"smtp": port, "netsuite": port}, said.append, reserved)


def test_a_named_port_goes_before_a_remembered_one(
    tmp_path: Path, port: int, said: list[str], reserved: Reservations
) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"netsuite": port}))
    chosen = ports.choose(tmp_path, {"smtp": port}, said.append, reserved)
    assert chosen["smtp"] == port
    assert chosen["netsuite"] != port


_CHOOSER = """
import sys
from pathlib import Path
from starter.stack import ports

reserved = ports.Reservations()
chosen = ports.choose(Path(sys.argv[1]), {}, lambda line: None, reserved)
print(*chosen.values(), flush=True)
sys.stdin.read()
"""


def test_stacks_that_choose_in_the_same_moment_share_no_port(tmp_path: Path) -> None:
    """All want the default ports, and none has begun to listen."""
    choosers = []
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, "-c", _CHOOSER, str(folder)]
        choosers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    try:
        chosen = [process.stdout.readline().split() for process in choosers if process.stdout]
        assert all(len(ports_of_one) == len(ports.DEFAULTS) for ports_of_one in chosen)
        every = [port for ports_of_one in chosen for port in ports_of_one]
        assert len(set(every)) == len(every)
    finally:
        for process in choosers:
            process.communicate()


def test_a_reservation_ends_with_its_holder(reserved: Reservations) -> None:
    with_a_port = "from starter.stack.ports import Reservations; r = Reservations(); print(r.spare())"
    run = subprocess.run([sys.executable, "-c", with_a_port], check=True, capture_output=True, text=True)
    assert reserved.take(int(run.stdout))


def test_a_port_is_reserved_once_and_may_be_had_again_when_given_back(reserved: Reservations) -> None:
    other = Reservations()
    port = reserved.spare()
    assert not other.take(port)
    reserved.close()
    assert other.take(port)
    other.close()


def test_a_port_that_somebody_listens_on_is_not_reserved_either(taken: int, reserved: Reservations) -> None:
    assert not reserved.take(taken)
    assert reserved._held == {}


def test_who_listens_is_told_from_who_should(taken: int, reserved: Reservations) -> None:
    assert ports.held_by_another(taken, {1})
    assert not ports.held_by_another(taken, {os.getpid()})
    assert not ports.held_by_another(reserved.spare(), {1})
