"""A Chromium to drive: the one on this machine, else Debian's, unpacked into the cache without touching the system.

python -m tests.browser.chromium     prints its path
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from starter.stack.cache import cache_dir

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LIMIT = 900  # seconds for fetching


class NoChromiumError(RuntimeError):
    """There is none and none could be fetched; the text says what to do."""


def ensure() -> Path:
    """Return the path of a Chromium that starts.

    Raises:
        NoChromiumError: there is none and none could be fetched.
    """
    named = os.environ.get("HOLD_CHROMIUM")
    found = [named] if named else [path for name in _NAMES if (path := shutil.which(name))]
    for path in found:
        if starts(Path(path)):
            return Path(path)
    if named:
        raise NoChromiumError(f"HOLD_CHROMIUM={named} does not start")
    folder = cache_dir() / "chromium"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        launcher = folder / "chromium"
        if not starts(launcher):
            _fetch(folder, launcher)
    return launcher


def starts(path: Path) -> bool:
    """Whether this program runs and says its version."""
    try:
        said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and "Chrom" in said.stdout


def _fetch(folder: Path, launcher: Path) -> None:
    print("Fetching Chromium from Debian into the cache, once.", file=sys.stderr)  # noqa: T201
    apt, root = folder / "apt", folder / "root"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    options = [
        "apt-get",
        f"-oDir::State={apt}/state",
        f"-oDir::Cache={apt}/cache",
        "-oDir::State::status=/var/lib/dpkg/status",
        "-oDebug::NoLocking=1",
        "-oAPT::Sandbox::User=",
        "-qq",
    ]
    wanted = ["--yes", "--no-install-recommends", "--download-only", "install", "chromium", "fonts-dejavu-core"]
    log = folder / "fetch.log"
    try:
        with log.open("w") as output:
            for command in ([*options, "update"], [*options, *wanted]):
                subprocess.run(command, check=True, stdout=output, stderr=subprocess.STDOUT, timeout=_LIMIT)
            for package in sorted((apt / "cache/archives").glob("*.deb")):
                subprocess.run(["dpkg", "-x", package, root], check=True, stdout=output, stderr=subprocess.STDOUT)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoChromiumError(
            f"the browser tests need Chromium, and it could not be fetched ({error}; see {log}): "
            "install one (Debian: apt-get install chromium), or name it in HOLD_CHROMIUM"
        ) from error
    shutil.rmtree(apt)
    libraries = ":".join(str(path) for path in sorted(root.glob("usr/lib/*-linux-gnu*")))
    launcher.write_text(
        "#!/bin/sh\n"
        f'export LD_LIBRARY_PATH="{libraries}:{root}/usr/lib/chromium"\n'
        f'exec "{root}/usr/lib/chromium/chromium" "$@"\n'
    )
    launcher.chmod(0o755)
    if not starts(launcher):
        raise NoChromiumError(f"the fetched Chromium does not start: try {launcher} --version")


if __name__ == "__main__":
    print(ensure())  # noqa: T201
