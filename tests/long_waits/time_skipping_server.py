"""Get Temporal's time-skipping test server: the SDK's own download, else the jars from Maven Central, both cached.

The native server and the jars are the same program; which one is there makes no difference to a test.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from temporalio.testing import WorkflowEnvironment

from starter.stack.cache import cache_dir, cached_program

POM = Path(__file__).with_name("pom.xml")
VERSION = str(ET.parse(POM).getroot().findtext("{*}version"))  # noqa: S314 (our own file)
NAME = f"temporal-test-server-java-{VERSION}"

_DOWNLOAD_SECONDS = 60.0
_MAVEN_SECONDS = 600.0
_STARTUP = timedelta(seconds=60)
_WRAPPER = f"""\
#!/bin/sh
# A small heap and a quick compiler: one server lives for one test.
exec "${{JAVA_HOME:+$JAVA_HOME/bin/}}java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m \\
    -cp "$(dirname "$0")/../lib/{NAME}/*" io.temporal.testserver.TestServer "$@"
"""


class ServerMissingError(Exception):
    """The time-skipping server is not to be had on this machine; the message says what was tried and what failed."""


async def ensure() -> dict[str, Any]:
    """Return the arguments with which `WorkflowEnvironment.start_time_skipping` starts a server on this machine.

    Gets the server where this machine has none (about twenty seconds, once; no network afterwards).

    Raises:
        ServerMissingError: neither kind is to be had.
    """
    if (jars := cached()) is None:
        native = {"download_dest_dir": str(cache_dir()), "test_server_startup_timeout": _STARTUP}
        try:
            cache_dir().mkdir(parents=True, exist_ok=True)
            starting = WorkflowEnvironment.start_time_skipping(**native)
            await (await asyncio.wait_for(starting, _DOWNLOAD_SECONDS)).shutdown()
        except (RuntimeError, TimeoutError, OSError) as error:
            why = f"the SDK's download of the native test server failed ({error or type(error).__name__})"
            jars = await asyncio.to_thread(_ensure_jars, why)
        else:
            return native
    if _java() is None:
        raise ServerMissingError(f"{jars} needs Java: no `java` on PATH or in JAVA_HOME")
    return {"test_server_existing_path": str(jars), "test_server_startup_timeout": _STARTUP}


def cached() -> Path | None:
    """Return the program that starts the jars, where they have been got before."""
    return next((place for place in cached_program(NAME) if place.exists()), None)


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None)


def _ensure_jars(why: str) -> Path:
    missing = [name for name, path in (("java", _java()), ("mvn", shutil.which("mvn"))) if path is None]
    if missing:
        raise ServerMissingError(f"{why}, and to get it from Maven Central there is no {' and no '.join(missing)}")
    try:
        with (cache_dir() / "temporal-test-server.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return cached() or _get_jars()
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stdout", None) or error).strip().splitlines()[-8:]
        raise ServerMissingError(f"{why}, and so did Maven's of {NAME}: {' / '.join(said)}") from error


def _get_jars() -> Path:
    """Let Maven copy the jars into a folder of its own, and move it into place whole; then the program, last."""
    library, program = cache_dir() / "lib" / NAME, cache_dir() / "bin" / NAME
    with tempfile.TemporaryDirectory(prefix="test-server-", dir=cache_dir()) as name:
        jars, wrapper = Path(name) / "jars", Path(name) / "run"
        maven = ["mvn", "-q", "-B", "-C", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        subprocess.run(
            maven, check=True, timeout=_MAVEN_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        wrapper.write_text(_WRAPPER)
        for path in (jars, *jars.iterdir(), wrapper):
            path.chmod(0o644 if path.suffix == ".jar" else 0o755)
        for place in (library, program):
            place.parent.mkdir(exist_ok=True)
        shutil.rmtree(library, ignore_errors=True)  # left by one who was killed between the two moves
        jars.rename(library)
        wrapper.rename(program)
    return program
