"""Debian packages unpacked into the cache, and programs started with libraries from there: no root, nothing installed.

A program finds its libraries by what it needs: `ldd` names those that the machine lacks, wherever a package has them.
"""

import fcntl
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from starter.stack.cache import cache_dir

_LIMIT = 900  # seconds for one command of apt
_START_LIMIT = 180  # seconds in which a program says its version, on a busy machine too


class NeedsRootError(RuntimeError):
    """Only root could put this on this machine; the text says what to install."""


class FetchError(RuntimeError):
    """Debian's packages could not be fetched; the text says where to look."""


def unpacked(name: str, packages: Sequence[str], complete: Callable[[Path], bool]) -> Path:
    """Return the folder with these packages and what they need beyond what is installed here, fetching them once.

    Safe when several processes ask at once, taken up again where it was broken off, and offline once it is there.

    Args:
        name: The folder's name in the cache.
        packages: Names of Debian packages.
        complete: Tells whether the unpacked folder does what it is for.

    Raises:
        NeedsRootError: this is no machine with apt.
        FetchError: they could not be fetched, or do not do what they are for.
    """
    folder = cache_dir() / name
    root = folder / "root"
    if root.is_dir() and complete(root):
        return root
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise NeedsRootError(f"there is no {program} to fetch {' and '.join(packages)} with")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root.is_dir() and complete(root)):  # another process may have been quicker
            _fetch(packages, folder, root)
            if not complete(root):
                raise FetchError(f"{' and '.join(packages)} came from Debian, but do not run here: see {root}")
    return root


def _fetch(packages: Sequence[str], folder: Path, root: Path) -> None:
    print(f"Fetching {' '.join(packages)} from Debian into {folder}, once.", file=sys.stderr, flush=True)  # noqa: T201
    apt = folder / "apt"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    options = [
        "apt-get",
        f"-oDir::State={apt}/state",
        f"-oDir::Cache={apt}/cache",
        "-oDir::State::status=/var/lib/dpkg/status",
        "-oDebug::NoLocking=1",
        "-oAPT::Sandbox::User=",
        "-oAcquire::Retries=3",
        "-qq",
    ]
    wanted = ["--yes", "--no-install-recommends", "--download-only", "install", *packages]
    log = folder / "fetch.log"
    fresh = folder / f"root.{secrets.token_hex(4)}"
    try:
        with log.open("w") as output:
            for command in ([*options, "update"], [*options, *wanted]):
                subprocess.run(command, check=True, stdout=output, stderr=subprocess.STDOUT, timeout=_LIMIT)
            fresh.mkdir()
            for package in sorted((apt / "cache/archives").glob("*.deb")):
                subprocess.run(["dpkg", "-x", package, fresh], check=True, stdout=output, stderr=subprocess.STDOUT)
        shutil.rmtree(root, ignore_errors=True)
        fresh.rename(root)
    except (OSError, subprocess.SubprocessError) as error:
        raise FetchError(f"{' and '.join(packages)} could not be fetched from Debian ({error}): see {log}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(apt)


def missing(programs: Iterable[Path], folders: Iterable[Path] = ()) -> set[str]:
    """Return the names of the libraries that these programs need, directly or not, and that are not found.

    Raises:
        NeedsRootError: there is no `ldd` to ask.
    """
    environment = {**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": ":".join(map(str, folders))}
    try:
        run = subprocess.run(["ldd", *programs], check=False, capture_output=True, text=True, env=environment)
    except FileNotFoundError:
        raise NeedsRootError("there is no `ldd` to see which libraries are missing") from None
    return {line.split()[0] for line in run.stdout.splitlines() if line.endswith("=> not found")}


def library_folders(program: Path, root: Path) -> list[Path]:
    """Return the folders below `root` with what the program and the libraries there need and the machine lacks.

    Libraries that are loaded by name at run time have needs too, so all that were unpacked are looked at.
    """
    held: dict[str, Path] = {}
    for file in sorted(root.rglob("*.so*")):
        if file.is_file():
            held.setdefault(file.name, file.parent)
    programs = [program, *(folder / name for name, folder in held.items())]
    chosen: list[Path] = []
    while wanted := {held[name] for name in missing(programs, chosen) if name in held} - set(chosen):
        chosen += sorted(wanted)
    return chosen


def write_launcher(launcher: Path, program: Path, variables: Mapping[str, str]) -> None:
    """Write, in one step, a program that runs another with these variables set."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    fresh = launcher.with_name(f".{launcher.name}.{secrets.token_hex(4)}")
    fresh.write_text("\n".join(["#!/bin/sh", *lines, f'exec {shlex.quote(str(program))} "$@"', ""]))
    fresh.chmod(0o755)
    fresh.replace(launcher)


def starts(program: Path, *, says: str = "") -> bool:
    """Whether this program runs and says its version, with `says` in it."""
    try:
        said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=_START_LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and says in said.stdout
