"""`hold demo outage`: it breaks the embedded stack's own sandbox, and no other NetSuite."""

import json
import os
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from starter import cli
from starter.stack import record
from starter.stack.processes import Identity
from starter.stack.record import StackRecord
from tests.netsuite.sandbox_server import SandboxServer


@pytest.fixture
def data_dir(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a running stack with this sandbox; this process passes for its supervisor."""
    monkeypatch.delenv("HOLD_NETSUITE_URL", raising=False)
    settings = {"embedded": True, "netsuite_url": sandbox.url, "desk_url": "http://127.0.0.1:1"}
    me = Identity.of(os.getpid())
    record.write(tmp_path, StackRecord("a-test", "running", me, settings=settings))
    return tmp_path


def answers(sandbox: SandboxServer) -> int:
    return httpx.post(f"{sandbox.url}/services/rest/auth/oauth2/v1/token", trust_env=False).status_code


def test_netsuite_goes_away_and_comes_back(
    data_dir: Path, sandbox: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hold = ["--data-dir", str(data_dir), "demo", "outage"]
    try:
        assert cli.run([*hold, "on", "--json"]) == 0
        away = json.loads(capsys.readouterr().out)
        assert away["outage"] is True
        assert any(step.endswith(f"demo outage off --data-dir {data_dir}") for step in away["next"])
        assert answers(sandbox) == 503
        assert cli.run([*hold]) == 0
        assert "answers 503 to everything" in capsys.readouterr().err
        assert cli.run([*hold, "off", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["outage"] is False
        assert answers(sandbox) != 503
    finally:
        sandbox.clear_faults()


def test_another_netsuite_is_never_touched(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOLD_NETSUITE_URL", "https://1234567.suitetalk.api.netsuite.com")
    assert cli.run(["--data-dir", str(data_dir), "demo", "outage", "on"]) == 1
    assert "HOLD_NETSUITE_URL names https://1234567." in capsys.readouterr().err


def test_where_no_stack_runs_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--data-dir", str(tmp_path), "demo", "outage", "on"]) == 1
    said = capsys.readouterr().err
    assert f"nothing runs from {tmp_path}" in said
    assert f"up --detach --data-dir {tmp_path}" in said


def test_the_version_is_the_one_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.split()[-1] == metadata.version("service-holds")
