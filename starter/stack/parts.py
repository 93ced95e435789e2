"""The parts of the whole stack: what each needs, how it starts, and how one sees that it works."""

import json
import os
import signal
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from db import migrate
from runtime.files import ensure_private_dir
from runtime.settings import ANCHOR_FILE
from services.people.first_admin import PASSWORD_FILE, ensure_first_admin, where_it_is
from services.people.operator_token import ensure_operator_token
from starter.stack.errors import StackError
from starter.stack.launch import Launch
from starter.stack.postgres import OWNER, Postgres
from starter.stack.supervisor import Part
from starter.stack.temporal_server import NAMESPACE, TemporalServer, environment

DATABASE = "holds"
HOST = "127.0.0.1"
CLIENT = "service-holds"
"""The client id and the certificate id by which the worker is known to the NetSuite sandbox."""

_PROBE_LIMIT = 10.0  # seconds


def answers(url: str) -> bool:
    """Tell whether a GET of this URL on this machine is answered with 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_PROBE_LIMIT) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False


def takes_mail(host: str, port: int) -> bool:
    with suppress(OSError, smtplib.SMTPException), smtplib.SMTP(host, port, timeout=_PROBE_LIMIT):
        return True
    return False


@dataclass(frozen=True)
class Stack:
    """The parts of the stack in one data folder.

    Args:
        data_dir: The data folder, existing and resolved.
        ports: A port for each name in `ports.DEFAULTS`.
        temporal_cli: The Temporal CLI.
        say: Takes what a person has to know.
    """

    data_dir: Path
    ports: Mapping[str, int]
    temporal_cli: Path
    say: Callable[[str], None]

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.data_dir, self.ports["postgres"])

    @property
    def temporal(self) -> TemporalServer:
        return TemporalServer(self.temporal_cli, self.data_dir, self.ports["temporal"], self.ports["temporal_ui"])

    @property
    def settings(self) -> dict[str, Any]:
        """What a client of this stack has to know, under the names of `runtime.settings.Settings`."""
        return {
            "embedded": True,
            "database_url": self.postgres.url(DATABASE),
            "temporal_address": self.temporal.address,
            "temporal_namespace": NAMESPACE,
            "temporal_ui_url": self.temporal.ui_url,
            "netsuite_url": f"http://{HOST}:{self.ports['netsuite']}",
            "netsuite_client_id": CLIENT,
            "netsuite_certificate_id": CLIENT,
            "netsuite_private_key_file": str(self._keys / "private.pem"),
            "netsuite_algorithm": "ES256",
            "smtp_host": HOST,
            "smtp_port": self.ports["smtp"],
            "mail_dir": str(self.data_dir / "mail"),
            "audit_anchor_file": str(self.data_dir / ANCHOR_FILE),
            "worker_health_host": HOST,
            "worker_health_port": self.ports["worker_health"],
            "desk_url": f"http://{HOST}:{self.ports['desk']}",
            "desk_host": HOST,
            "desk_port": self.ports["desk"],
        }

    @property
    def _keys(self) -> Path:
        return self.data_dir / "netsuite"

    def stages(self) -> Sequence[Sequence[Part]]:
        """Return the parts in the order in which they start: the services side by side, then ours."""
        return [
            [self._postgres(), self._temporal(), self._sandbox(), self._mail_sink()],
            [self._worker(), self._desk()],
        ]

    def _postgres(self) -> Part:
        postgres = self.postgres

        def prepare() -> None:
            postgres.clear_leftovers()
            postgres.ensure_initialised()

        return Part(
            name="postgres",
            command=postgres.command,
            ready=postgres.ready,
            port=postgres.port,
            own_ports=(postgres.port,),
            prepare=prepare,
            first_ready=self._migrate,
            stop_signal=signal.SIGINT,
            stop_within=30.0,
        )

    def _migrate(self) -> None:
        self.postgres.create_database(DATABASE)
        url = self.postgres.url(DATABASE)
        try:
            migrate.upgrade(self.postgres.url(DATABASE, OWNER))
            if ensure_first_admin(url, self.data_dir / PASSWORD_FILE):
                self.say(where_it_is(self.data_dir / PASSWORD_FILE))
            ensure_operator_token(url, self.data_dir / "operator.token")
        except SQLAlchemyError as error:
            raise StackError(f"The database could not be brought to the schema of this version: {error}") from error

    def _temporal(self) -> Part:
        temporal = self.temporal
        return Part(
            name="temporal",
            command=temporal.command,
            ready=lambda: temporal.ready() and answers(f"{temporal.ui_url}/healthz"),
            port=temporal.port,
            own_ports=(temporal.port, temporal.ui_port),
            first_ready=temporal.keep_closed_workflows,
        )

    def _sandbox(self) -> Part:
        port = self.ports["netsuite"]
        options = {
            "--host": HOST,
            "--port": str(port),
            "--state": str(self._keys / "state"),
            "--client-id": CLIENT,
            "--certificate-id": CLIENT,
            "--public-key": str(self._keys / "public.pem"),
        }
        return Part(
            name="netsuite",
            command=lambda: self._python("netsuite.sandbox", options),
            ready=lambda: answers(f"http://{HOST}:{port}/_sandbox/health"),
            port=port,
            own_ports=(port,),
            prepare=self._ensure_keys,
        )

    def _ensure_keys(self) -> None:
        folder = ensure_private_dir(self._keys)
        ensure_private_dir(folder / "state")
        private, public = folder / "private.pem", folder / "public.pem"
        if private.exists() and public.exists():
            return
        options = {"--algorithm": "ES256", "--private": str(private), "--public": str(public)}
        launch = self._python("netsuite.sandbox.keys", options)
        run = subprocess.run(
            launch.argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **launch.arguments()
        )
        if run.returncode != 0:
            raise StackError(f"The keys of the NetSuite sandbox could not be made:\n{run.stdout.strip()}")

    def _mail_sink(self) -> Part:
        port = self.ports["smtp"]
        folder = str(self.data_dir / "mail")
        return Part(
            name="mail",
            command=lambda: self._python(
                "starter.stack.mail_sink", {"--host": HOST, "--port": str(port), "--dir": folder}
            ),
            ready=lambda: takes_mail(HOST, port),
            port=port,
            own_ports=(port,),
        )

    def _worker(self) -> Part:
        port = self.ports["worker_health"]
        return Part(
            name="worker",
            command=lambda: self._python("worker", {}),
            ready=lambda: answers(f"http://{HOST}:{port}/readyz"),
            port=port,
            own_ports=(port,),
            stop_within=30.0,
        )

    def _desk(self) -> Part:
        port = self.ports["desk"]
        return Part(
            name="desk",
            command=lambda: self._python("desk", {}),
            ready=lambda: answers(f"http://{HOST}:{port}/readyz"),
            port=port,
            own_ports=(port,),
            stop_within=15.0,
        )

    def _python(self, module: str, options: Mapping[str, str]) -> Launch:
        settings = {f"HOLD_{name.upper()}": _text(value) for name, value in self.settings.items()}
        temporal = {
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "TEMPORAL_CONFIG_FILE": os.devnull,  # no profile of the user's: it is about another server
        }
        return Launch(
            argv=(sys.executable, "-m", module, *(part for option in options.items() for part in option)),
            env={
                **environment(),
                **settings,
                **temporal,
                "HOLD_DATA_DIR": str(self.data_dir),
                "PYTHONUNBUFFERED": "1",
                "PATH": os.environ.get("PATH", os.defpath),
            },
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
