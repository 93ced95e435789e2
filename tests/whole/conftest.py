"""The complete stack, started and used by the command `hold` alone."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starter.stack.postgres import Postgres
from tests.conftest import free_port
from tests.patience import PATIENCE

_PORTS = ("postgres", "temporal", "temporal-ui", "netsuite", "smtp", "worker-health")


class Hold:
    """`hold`, on a stack of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "starter.cli", *arguments, "--data-dir", str(self.data_dir)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        assert finished.returncode == code, finished.stdout + finished.stderr
        return finished

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code).stdout)


@pytest.fixture(scope="module")
def hold() -> Iterator[Hold]:
    with tempfile.TemporaryDirectory(prefix="hold-whole-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        stack = Hold(Path(folder) / "data")
        ports = [part for name in _PORTS for part in (f"--{name}-port", str(free_port()))]
        stack("up", "--detach", *ports)  # ports of its own: another stack on this machine may be dying and coming back
        try:
            yield stack
        finally:
            stack("down")
            Postgres(stack.data_dir, 0).destroy()
