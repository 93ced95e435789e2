"""Find Temporal's command-line program, which holds the dev server and the Web UI; get it where it is missing.

`python -m starter.stack.temporal_cli` prints its path.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from starter.stack import go_build
from starter.stack.cache import cache_dir, cached_program
from starter.stack.errors import CommandMissingError
from starter.stack.launch import Launch
from starter.stack.processes import Identity, end

Say = Callable[[str], None]

_STALL = 10.0  # seconds without a byte, after which the SDK's download is given up

_SDK_DOWNLOAD = """
import asyncio, os, sys
from temporalio.testing import WorkflowEnvironment

async def main():
    environment = await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1], ui=False)
    await environment.shutdown()

try:
    asyncio.run(main())
except RuntimeError as error:
    print(error, flush=True)
    os._exit(1)
os._exit(0)  # past the interpreter's own exit, where the SDK's native threads can abort the process
"""


def works(program: Path) -> bool:
    """Tell whether this is a Temporal CLI that runs here."""
    try:
        run = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and run.stdout.startswith("temporal version")


def find() -> Path | None:
    """Return the Temporal CLI this machine has: `$TEMPORAL_CLI`, `temporal` on PATH, then the project's cache.

    Raises:
        CommandMissingError: `TEMPORAL_CLI` names something that is no Temporal CLI.
    """
    named = os.environ.get("TEMPORAL_CLI")
    if named:
        if not works(Path(named)):
            raise CommandMissingError(f"TEMPORAL_CLI names {named}, which does not run as a Temporal CLI.")
        return Path(named).absolute()
    on_path = shutil.which("temporal")
    places = [*([Path(on_path).absolute()] if on_path else []), *cached_program("temporal")]
    return next((place for place in places if place.exists() and works(place)), None)


def ensure(say: Say) -> Path:
    """Return the Temporal CLI, after getting it into the cache where this machine has none (up to some minutes, once).

    Args:
        say: Takes one line of progress at a time, for a person.

    Raises:
        CommandMissingError: it is not to be had; the message says what was tried.
    """
    found = find()
    if found is not None:
        return found
    target = cache_dir() / "bin" / "temporal"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (cache_dir() / "temporal.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another process is getting the Temporal CLI; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not works(target):
                _get(target, say)
    except OSError as error:
        raise CommandMissingError(f"The Temporal CLI can't be put into {cache_dir()}: {error}.") from error
    return target


def _get(target: Path, say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="temporal-", dir=cache_dir(), ignore_cleanup_errors=True) as folder:
        say("The Temporal CLI is not on this machine; trying the Python SDK's own download.")
        try:
            program = _download(Path(folder))
        except CommandMissingError as error:
            say(f"{error} Building it with Go instead: some minutes, once.")
            program = go_build.install(go_build.TEMPORAL_CLI, Path(folder), say)
        if not works(program):
            raise CommandMissingError(f"The Temporal CLI was got, but does not run on this machine ({program.name}).")
        program.chmod(0o755)
        program.rename(target)
    say(f"The Temporal CLI is ready: {target}")


def _download(folder: Path) -> Path:
    """Let the SDK download the CLI, in a process apart: it does so only on the way to a started server."""
    place = folder / "download"
    place.mkdir()
    with (folder / "download.log").open("wb") as log:
        process = Launch((sys.executable, "-c", _SDK_DOWNLOAD, str(place))).start(log)
        identity = Identity.of(process.pid)
        size, since = 0, time.monotonic()
        try:
            while process.poll() is None and time.monotonic() - since < _STALL:
                time.sleep(0.1)
                now = sum(file.stat().st_size for file in place.iterdir())
                if now != size:
                    size, since = now, time.monotonic()
        finally:
            if identity is not None:
                end(identity, within=1.0)
            process.wait()
    programs = [file for file in place.iterdir() if os.access(file, os.X_OK)]
    if process.returncode != 0 or not programs:
        reason = (folder / "download.log").read_text().strip().rpartition("executable: ")[2].splitlines()
        raise CommandMissingError(f"That failed ({reason[-1] if reason else 'no answer'}).")
    return programs[0]


def main() -> int:
    """Print the path of the Temporal CLI, getting it if need be; return the exit status."""
    try:
        path = ensure(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    except CommandMissingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(path)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
