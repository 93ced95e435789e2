import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from starter.stack import ports
from starter.stack.errors import PortTakenError, StackError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_choice_is_remembered(tmp_path: Path, said: list[str]) -> None:
    first = ports.choose(tmp_path, {}, said.append)
    assert set(first) == set(ports.DEFAULTS)
    assert len(set(first.values())) == len(first)
    said.clear()
    assert ports.choose(tmp_path, {}, said.append) == first
    assert said == []
    assert (tmp_path / "ports.json").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_replaced(tmp_path: Path, taken: int, said: list[str]) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"smtp": taken}))
    chosen = ports.choose(tmp_path, {}, said.append)
    assert chosen["smtp"] != taken
    assert ports.free(chosen["smtp"])
    assert any(f"Port {taken} (smtp) is in use; taking {chosen['smtp']} instead." in line for line in said)


def test_a_taken_port_that_was_named_is_refused_with_who_has_it(tmp_path: Path, taken: int, said: list[str]) -> None:
    with pytest.raises(PortTakenError, match=rf"--temporal-ui-port {taken}: .*pid {os.getpid()}"):
        ports.choose(tmp_path, {"temporal_ui": taken}, said.append)
    assert not (tmp_path / "ports.json").exists()


def test_one_port_cannot_be_named_for_two_parts(tmp_path: Path, port: int, said: list[str]) -> None:
    with pytest.raises(StackError, match="another part"):
        ports.choose(tmp_path, {"smtp": port, "netsuite": port}, said.append)


def test_a_named_port_goes_before_a_remembered_one(tmp_path: Path, port: int, said: list[str]) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"netsuite": port}))
    chosen = ports.choose(tmp_path, {"smtp": port}, said.append)
    assert chosen["smtp"] == port
    assert chosen["netsuite"] != port
