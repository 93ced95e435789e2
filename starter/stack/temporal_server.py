"""Temporal's dev server with its Web UI, kept in a file of the data folder."""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runtime.files import ensure_private_dir
from starter.stack.errors import StackError
from starter.stack.launch import Launch

NAMESPACE = "default"
RETENTION = "90d"  # the dev server's own is 24 h

_PROBE_LIMIT = 30.0  # seconds; the program that asks takes its time on a busy machine


def environment() -> dict[str, str]:
    """Return our environment without Temporal's own variables: they are about another server than the embedded one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}


@dataclass(frozen=True)
class TemporalServer:
    """One dev server.

    Args:
        program: The Temporal CLI.
        data_dir: An existing folder; the server's files go to `temporal` in it.
        port: The port of its gRPC service on 127.0.0.1.
        ui_port: The port of its Web UI on 127.0.0.1.
    """

    program: Path
    data_dir: Path
    port: int
    ui_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.ui_port}"

    def command(self) -> Launch:
        """Return how the server is started; SIGTERM stops it in good order.

        The higher poll rates take about 50 ms off each step of a workflow. With SQLite's write-ahead log a killed
        server loses nothing; a power cut may cost the last moments. Task queues of one partition, not four, save a
        tenth of the server's CPU; a folder from before keeps its four, since tasks may wait in any of them.
        """
        folder = ensure_private_dir(self.data_dir / "temporal")
        database, one_partition = folder / "temporal.db", folder / "one-partition"
        if not database.exists():
            one_partition.touch()
        options = {
            "--ip": "127.0.0.1",
            "--port": str(self.port),
            "--ui-port": str(self.ui_port),
            "--db-filename": str(database),
            "--log-level": "warn",
        }
        pragmas = ("journal_mode=WAL", "synchronous=NORMAL")
        tuning = ["history.transferProcessorMaxPollRPS=200", "history.timerProcessorMaxPollRPS=200"]
        if one_partition.exists():
            tuning += ["matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1"]
        return Launch(
            argv=(
                *(str(self.program), "server", "start-dev"),
                *(part for option in options.items() for part in option),
                *(part for pragma in pragmas for part in ("--sqlite-pragma", pragma)),
                *(part for value in tuning for part in ("--dynamic-config-value", value)),
            ),
            env={**environment(), "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},  # no profile of the user's
            cwd=folder,
        )

    def _ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        launch = self.command()
        return subprocess.run(
            [self.program, *command, "--address", self.address],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PROBE_LIMIT,
            **launch.arguments(),
        )

    def ready(self) -> bool:
        """Tell whether the server answers for its default namespace, which it makes a moment after it is up."""
        with suppress(subprocess.TimeoutExpired, OSError):
            return self._ask("operator", "namespace", "describe", "--namespace", NAMESPACE).returncode == 0
        return False

    def keep_closed_workflows(self) -> None:
        """Set how long closed workflows are kept (90 days); calling it again changes nothing.

        Raises:
            StackError: the server refused.
        """
        try:
            run = self._ask("operator", "namespace", "update", "--namespace", NAMESPACE, "--retention", RETENTION)
        except (subprocess.TimeoutExpired, OSError) as error:
            raise StackError(f"Temporal did not take the retention of {RETENTION}: {error}.") from error
        if run.returncode != 0:
            raise StackError(f"Temporal did not take the retention of {RETENTION}: {run.stderr.strip()}")
