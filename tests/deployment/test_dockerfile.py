"""The image holds what the commands need and nothing secret, and its packages are those of the lock."""

import fnmatch
import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass

import pytest

from tests.deployment.compose import ROOT, services
from tests.patience import PATIENCE

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
_LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
_UV = shutil.which("uv")


@dataclass(frozen=True)
class Instruction:
    name: str
    arguments: list[str]
    stage: str


def _instructions() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found, stage = [], ""
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, rest = line.split(maxsplit=1)
        arguments = shlex.split(rest)
        if name == "FROM":
            stage = arguments[2]
        found.append(Instruction(name, arguments, stage))
    return found


_INSTRUCTIONS = _instructions()
_STAGES = {one.stage: one.arguments[0] for one in _INSTRUCTIONS if one.name == "FROM"}
_COPIED = [
    source
    for one in _INSTRUCTIONS
    if one.name == "COPY" and not one.arguments[0].startswith("--")
    for source in one.arguments[:-1]
]


def test_every_base_is_pinned_and_both_pythons_are_the_same() -> None:
    for image in _STAGES.values():
        assert re.search(r":\d+\.\d+\.\d+(-|$)", image), image
    assert _STAGES["run"] == _STAGES["build"]
    assert _STAGES["run"].startswith("python:3.11.")


def test_the_image_runs_as_nobody_special() -> None:
    users = [one for one in _INSTRUCTIONS if one.name == "USER" and one.stage == "run"]
    assert [user.arguments for user in users] == [["10001:10001"]]
    last = [one.name for one in _INSTRUCTIONS if one.stage == "run"]
    assert "RUN" not in last[last.index("USER") :]


def test_what_is_copied_exists() -> None:
    assert [source for source in _COPIED if not (ROOT / source).exists()] == []
    stages = [one.arguments[0].partition("=")[2] for one in _INSTRUCTIONS if one.arguments[0].startswith("--from=")]
    assert set(stages) <= _STAGES.keys()


def test_all_of_the_program_is_copied() -> None:
    wheel = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    licences = {name for name in _PROJECT["project"]["license-files"] if "/" not in name}
    about = {_PROJECT["project"]["readme"], "pyproject.toml", "uv.lock"}
    wanted = {*wheel["packages"], *wheel["include"], *licences, *about}
    assert {source.rstrip("/") for source in _COPIED} == wanted


def test_nothing_but_that_gets_into_the_build() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert set(allowed) == {source.rstrip("/") for source in _COPIED}
    refused = lines[len(allowed) + 1 :]
    assert refused
    assert not any(line.startswith("!") for line in refused), "a later `!` would let secrets in again"
    for secret in ("starter/.env", "netsuite/private.pem"):
        assert any(fnmatch.fnmatch(secret, pattern) for pattern in refused), secret


def test_volumes_find_a_folder_of_their_owner() -> None:
    """A volume takes over the folder it is first mounted on; without one it would belong to root."""
    [made] = [one.arguments for one in _INSTRUCTIONS if one.name == "RUN" and "useradd" in one.arguments]
    targets = {target for service in services().values() if service.ours for target in service.mounts}
    assert targets == {word for word in made if word.startswith("/var/lib/")}
    assert "--owner=holds" in made


def test_the_build_installs_by_the_lock_and_without_the_tools_of_development() -> None:
    syncs = [one.arguments for one in _INSTRUCTIONS if one.name == "RUN" and "sync" in one.arguments]
    assert len(syncs) == 2
    for arguments in syncs:
        assert {"--frozen", "--no-dev"} <= set(arguments)
    assert "--no-install-project" in syncs[0]


def test_the_lock_is_in_date() -> None:
    """`--frozen` does not look; this does, as far as one can see without uv."""
    [locked] = [package for package in _LOCK["package"] if package["name"] == _PROJECT["project"]["name"]]
    assert "version" not in locked  # it is dynamic, and no reason to lock anew
    assert _names(locked["metadata"]["requires-dist"]) == sorted(map(_bare, _PROJECT["project"]["dependencies"]))
    assert _names(locked["metadata"]["requires-dev"]["dev"]) == sorted(map(_bare, _PROJECT["dependency-groups"]["dev"]))


def _bare(requirement: str) -> str:
    return re.sub(r"\[.*?\]|\s", "", requirement)


def _names(requirements: list[dict[str, str]]) -> list[str]:
    return sorted(entry["name"] + entry.get("specifier", "") for entry in requirements)


@pytest.mark.skipif(_UV is None, reason="uv is not on PATH: what it says of the lock can't be asked")
def test_uv_takes_the_lock_as_it_is() -> None:
    checked = _uv("lock", "--check", "--offline")
    assert checked.returncode == 0, checked.stderr
    exported = _uv("export", "--frozen", "--no-dev", "--no-hashes", "--no-emit-project", "--offline")
    assert exported.returncode == 0, exported.stderr
    names = {re.split(r"[=\[ ;]", line)[0] for line in exported.stdout.splitlines() if line and line[0].isalpha()}
    wanted = {re.split(r"[\[>=<~! ;]", name)[0] for name in _PROJECT["project"]["dependencies"]}
    assert wanted <= names
    assert {"pytest", "ruff", "mypy"}.isdisjoint(names)


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert _UV
    return subprocess.run([_UV, *arguments], check=False, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_it_names_no_secret() -> None:
    words = [word for one in _INSTRUCTIONS if one.name in {"ENV", "ARG"} for word in one.arguments]
    assert [word for word in words if re.search(r"PASSWORD|TOKEN|SECRET|KEY", word)] == []
