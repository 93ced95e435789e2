"""CI and the commit hooks check what script/test checks, with the tools of uv.lock, and nothing of their own."""

import os
import re
import shlex
import subprocess
import tomllib
from importlib.metadata import version
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from runtime.version import VERSION
from tests.deployment.compose import ROOT

_WORKFLOW: dict[str, Any] = {
    "on" if key is True else key: value  # to YAML 1.1 `on` is a boolean
    for key, value in yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text()).items()
}
_STEPS: list[dict[str, Any]] = [step for job in _WORKFLOW["jobs"].values() for step in job["steps"]]
_HOOKS: list[dict[str, Any]] = [
    hook for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"] for hook in repo["hooks"]
]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_workflow_fits_its_schema() -> None:
    errors = jsonschema.Draft7Validator(get_builtin_schema("vendor.github-workflows")).iter_errors(_WORKFLOW)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_ci_calls_the_test_command_and_nothing_else() -> None:
    assert [step["run"] for step in _STEPS if "run" in step] == ["script/test"]
    assert os.access(ROOT / "script/test", os.X_OK)


def test_ci_may_only_read_and_its_actions_cannot_change() -> None:
    assert _WORKFLOW["permissions"] == {"contents": "read"}
    assert [job for job in _WORKFLOW["jobs"].values() if "permissions" in job] == []
    for step in _STEPS:
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]), step["uses"]


def test_ci_keeps_the_tools_and_what_failed_tests_left() -> None:
    [job] = _WORKFLOW["jobs"].values()
    uses = {step["uses"].partition("@")[0]: step["with"] for step in job["steps"] if "uses" in step}
    assert uses["actions/cache"]["path"] == "${{ env.HOLD_CACHE_DIR }}"
    assert job["env"]["HOLD_CACHE_DIR"].startswith("/")
    left = uses["actions/upload-artifact"]["path"]
    assert job["env"]["PYTEST_ADDOPTS"] == f"--junit-xml={left}/junit.xml"
    assert f"{left}/" in (ROOT / ".gitignore").read_text().splitlines()


def test_python_is_the_oldest_that_is_supported() -> None:
    version = (ROOT / ".python-version").read_text().strip()
    assert _PROJECT["project"]["requires-python"] == f">={version}"
    assert _PROJECT["tool"]["mypy"]["python_version"] == version
    assert _PROJECT["tool"]["ruff"]["target-version"] == f"py{version.replace('.', '')}"
    setup = next(step for step in _STEPS if step.get("uses", "").startswith("actions/setup-python@"))
    assert setup["with"] == {"python-version-file": ".python-version"}


def test_the_hooks_take_their_tools_from_the_lock() -> None:
    for hook in _HOOKS:
        assert hook["language"] == "system", hook["id"]
        assert not {"rev", "additional_dependencies"} & hook.keys(), hook["id"]
        program = shlex.split(hook["entry"])[0]
        assert program == "bash" or (program.startswith(".venv/bin/") and os.access(ROOT / program, os.X_OK)), program


@pytest.mark.parametrize("hook", [hook["id"] for hook in _HOOKS if hook["entry"].startswith("bash")])
def test_the_lock_hook_passes(hook: str) -> None:
    [entry] = [one["entry"] for one in _HOOKS if one["id"] == hook]
    run = subprocess.run(shlex.split(entry), cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_the_hooks_check_all_that_is_checked_without_tests() -> None:
    """The lines `check 'name' command …` of what the scripts that check share."""
    checks = re.findall(r"^ +check '[^']+' (.+)$", (ROOT / "script/lib.sh").read_text(), re.MULTILINE)
    commands = {command for command in checks if command.split()[0] in ("ruff", "mypy", "lint-imports")}
    assert len(commands) == 4
    hooked = {hook["entry"].removeprefix(".venv/bin/").replace(" --force-exclude", "") for hook in _HOOKS}
    assert commands <= hooked


def test_the_version_stands_in_one_place() -> None:
    assert version("service-holds") == VERSION
    assert _PROJECT["project"]["dynamic"] == ["version"]
    written = re.compile(rf"(?<![\d.]){re.escape(VERSION)}(?![\d.])")
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name != "tests"]
    files = {file for file in ROOT.iterdir() if file.is_file() and file.name != "uv.lock"}
    files |= {file for room in rooms for ext in ("py", "md", "html") for file in room.rglob(f"*.{ext}")}
    named = {file.relative_to(ROOT).as_posix() for file in files if written.search(file.read_text())}
    assert named == {"runtime/version.py", "CHANGELOG.md"}
