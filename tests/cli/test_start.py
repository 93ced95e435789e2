"""`hold` starts quickly, and says what there is."""

import json
import pkgutil
import subprocess
import sys

import pytest

from starter import cli
from tests.cli.commands import LOCAL, commands

SLOW = {
    "sqlalchemy",
    "psycopg",
    "alembic",
    "temporalio",
    "fastapi",
    "db",
    "services",
    "desk",
    "workflows",
    "activities",
}
_LOOK = """
import importlib, json, sys
loaded = {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    loaded[name] = list({module.partition(".")[0] for module in sys.modules})
print(json.dumps(loaded))
"""


def in_python(code: str, *arguments: str) -> str:
    """What a fresh Python prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout


def test_no_module_of_an_ordinary_command_loads_what_is_slow() -> None:
    modules = [f"starter.cli.{one.name}" for one in pkgutil.iter_modules(cli.__path__) if one.name != "local"]
    assert len(modules) > 20
    names = [name for name in modules if not name.endswith("__main__")]
    slow = {name: sorted(SLOW & set(loaded)) for name, loaded in json.loads(in_python(_LOOK, *names)).items()}
    assert not {name: found for name, found in slow.items() if found}


def test_a_command_is_loaded_when_it_is_asked_for() -> None:
    look = "import sys; from starter.cli import run; run(['--version']); print([*sys.modules])"
    loaded = in_python(look)
    assert "starter.cli.output" in loaded
    assert not [name for name in ("starter.cli.holds", "httpx", "pydantic") if f"'{name}'" in loaded]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    said = capsys.readouterr().out
    assert not [name for name, _ in commands() if f" {name.partition(' ')[0]} " not in said]
    assert cli.run(["ar", "--help"]) == 0
    assert "import " in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "meant"), [("aprove", "approve"), ("mesages", "messages")])
def test_a_slip_is_told_what_was_meant(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([typed]) == 2
    assert f"Did you mean '{meant}'" in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize("command", sorted(LOCAL))
def test_what_needs_no_desk_says_where_it_works(command: str) -> None:
    [told] = [one.help for name, one in commands() if name == command]
    assert "machine" in told


def test_without_a_desk_it_says_what_to_do(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOLD_DESK_URL", raising=False)
    monkeypatch.delenv("HOLD_TOKEN", raising=False)
    assert cli.run(["list", "--data-dir", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert "no desk is known" in said
    assert "`hold up --detach`" in said
    assert "HOLD_DESK_URL" in said
    monkeypatch.setenv("HOLD_DESK_URL", "http://127.0.0.1:1")
    assert cli.run(["list", "--data-dir", str(tmp_path)]) == 1
    assert "set HOLD_TOKEN" in capsys.readouterr().err
