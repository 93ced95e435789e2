"""The services of docker-compose.yml as processes of this machine: one hold from proposal to in force on them.

What differs from Docker: hosts are loopback, ports are free ones, volumes are folders. Temporal is the dev server in a
namespace of its own (so `temporal-schema` has no counterpart), and the mail catcher is ours. Everything else is taken
from the file: the commands, the environment, the health checks, the roles' SQL, and the order of `depends_on`.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest

from db.engine import make_engine
from runtime.files import secret
from runtime.settings import Settings
from runtime.temporal import connect
from starter.stack.launch import Launch
from starter.stack.parts import answers, takes_mail
from starter.stack.postgres import Postgres
from starter.stack.temporal_server import TemporalServer
from tests.conftest import free_port, wait_until
from tests.deployment.compose import Service, example_environment, filled_in, raw, seconds, services
from tests.netsuite.sandbox_server import SandboxServer
from tests.patience import PATIENCE
from tests.world import World

_NAMESPACE = "compose-topology"
_NO_COUNTERPART = {"temporal-schema"}


@dataclass
class Topology:
    folder: Path
    postgres: Postgres
    temporal: TemporalServer
    variables: Mapping[str, str]
    stack: ExitStack
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.services = services(self.variables)
        known = {5432: self.postgres.port, 7233: self.temporal.port, 8080: self.temporal.ui_port}
        listened = {target for service in self.services.values() for _, _, target in service.ports} | {1025}
        self.ports = {port: known.get(port) or free_port() for port in sorted(listened)}
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        (self.bin / "temporal").symlink_to(self.temporal.program)

    def here(self, text: str, service: Service) -> str:
        """The text with this machine's hosts, ports and folders."""
        hosts = "|".join(map(re.escape, self.services))
        text = re.sub(rf"(?<![\w-])(?:{hosts}|0\.0\.0\.0)(?=:\d)", "127.0.0.1", text)
        text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        text = re.sub(r"(?<![\w.])\d{4}(?![\w.])", lambda found: str(self.ports.get(int(found[0]), found[0])), text)
        for target, volume in service.mounts.items():
            text = text.replace(target, str(self.folder / volume))
        for config in service.body.get("configs", []):
            text = text.replace(config["target"], str(self.folder / config["source"]))
        return text

    def environment(self, service: Service) -> dict[str, str]:
        path = [self.bin, Path(sys.executable).parent, self.postgres._programs, os.defpath]
        named = {
            name: "127.0.0.1" if name.endswith("_HOST") and value in self.services else self.here(value, service)
            for name, value in service.environment.items()
        }
        return {"PATH": os.pathsep.join(map(str, path)), "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"} | named

    def run(self, service: Service, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run to its end, in a folder with nothing in it."""
        return subprocess.run(
            [self.here(word, service) for word in command],
            check=False,
            cwd=self.bin,
            env=self.environment(service),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )

    def up(self) -> None:
        """Start everything in the order of `depends_on`, each when what it waits for is done or healthy."""
        waiting = dict(self.services)
        while waiting:
            name = next(name for name, service in waiting.items() if service.depends_on.keys().isdisjoint(waiting))
            self._start(waiting.pop(name))
            self.started.append(name)

    def _start(self, service: Service) -> None:
        if service.name in _NO_COUNTERPART:
            return
        for config in service.body.get("configs", []):
            content = filled_in(raw(), self.variables)["configs"][config["source"]]["content"]
            (self.folder / config["source"]).write_text(content)
        if service.name == "postgres":
            self._start_postgres(service)
        elif service.name == "temporal":
            assert self.temporal.ready()
        elif service.name == "temporal-ui":
            assert answers(f"{self.temporal.ui_url}/healthz")
        elif service.name == "mail":
            options = ["--port", str(self.ports[1025]), "--dir", str(self.folder / "mail")]
            self._start_process(service, ["python", "-m", "starter.stack.mail_sink", *options])
        elif service.one_shot:
            for _ in range(2):  # as every later `up` does
                done = self.run(service, service.command)
                assert done.returncode == 0, f"{service.name}: {done.stdout}"
        else:
            self._start_process(service, service.command)

    def _start_postgres(self, service: Service) -> None:
        launch = self.postgres.command()
        program, *options = service.command
        assert program == "postgres"
        launch = replace(launch, argv=(*launch.argv, *options))
        self._launch(service, launch, self.postgres.destroy)
        [config] = service.body["configs"]
        environment = {**service.environment, "PGPASSWORD": self.variables["POSTGRES_PASSWORD"]}
        made = self.run(  # with the options of the image's entrypoint
            replace(service, body={**service.body, "environment": environment}),
            [
                *("psql", "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "--no-password", "--username=postgres"),
                *("--host=127.0.0.1", "--port=5432", f"--file={config['target']}"),
            ],
        )
        assert made.returncode == 0, made.stdout

    def _start_process(self, service: Service, command: list[str]) -> None:
        for volume in service.mounts.values():
            (self.folder / volume).mkdir(exist_ok=True)
        environment = self.environment(service)
        program, *arguments = (self.here(word, service) for word in command)
        found = shutil.which(program, path=environment["PATH"])
        assert found, program
        self._launch(service, Launch((found, *arguments), env=environment, cwd=self.bin))

    def _launch(self, service: Service, launch: Launch, stop: Callable[[], None] = lambda: None) -> None:
        log = self.folder / f"{service.name}.log"
        with log.open("wb") as output:
            process = launch.start(output)
        self.stack.callback(_end, process)
        self.stack.callback(stop)
        self.processes[service.name] = process
        wait_until(lambda: self.healthy(service), process, log)

    def healthy(self, service: Service) -> bool:
        if service.name == "mail":
            return takes_mail("127.0.0.1", self.ports[1025])
        return self.run(service, service.health_command).returncode == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(10)


@pytest.fixture(scope="module")
def topology(folder: Path, temporal_server: TemporalServer) -> Iterator[Topology]:
    here = folder / "topology"
    here.mkdir(mode=0o711)
    for volume in ("netsuite-keys", "netsuite-state", "operator"):
        (here / volume).mkdir(mode=0o700)
    postgres = Postgres(here, free_port(), durable=False)
    postgres.ensure_initialised()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, here, ignore_errors=True)
        admin = secret(here / "postgres-admin.password")
        variables = example_environment() | {"TEMPORAL_NAMESPACE": _NAMESPACE, "POSTGRES_PASSWORD": admin}
        made = Topology(here, postgres, temporal_server, variables, stack)
        made.up()
        yield made


def test_all_of_it_came_up(topology: Topology) -> None:
    assert set(topology.started) == set(topology.services)
    assert topology.started.index("worker") > topology.started.index("migrations")
    assert {name for name, process in topology.processes.items() if process.poll() is None} == {
        service.name
        for service in topology.services.values()
        if not service.one_shot and service.name not in {"temporal", "temporal-ui"}
    }


def test_the_roles_keep_to_their_own_databases(topology: Topology) -> None:
    temporals = {"temporal", "temporal_visibility"}
    own = {"holds": {"holds"}, "holds_work": {"holds"}, "holds_read": {"holds"}, "temporal": temporals}
    owners = {"holds", "temporal"}
    for role, databases in own.items():
        for database in ("holds", "temporal", "temporal_visibility"):
            login = {
                "host": "127.0.0.1",
                "port": topology.postgres.port,
                "user": role,
                "password": topology.variables[f"{role.upper()}_DB_PASSWORD"],
                "dbname": database,
            }
            if database in databases:
                with psycopg.connect(**login) as connection:
                    creating = nullcontext() if role in owners else pytest.raises(psycopg.errors.InsufficientPrivilege)
                    with creating:
                        connection.execute("CREATE TABLE may_create (id int)")
                    connection.rollback()
            else:
                with pytest.raises(psycopg.OperationalError, match="permission denied"):
                    psycopg.connect(**login)


def test_keys_and_token_are_for_their_owner_only(topology: Topology) -> None:
    for name in ("netsuite-keys/private.pem", "operator/operator.token"):
        assert stat.S_IMODE((topology.folder / name).stat().st_mode) == 0o600, name


def test_the_worker_is_asked_often_enough(topology: Topology) -> None:
    """Its check takes less time than Docker grants it, on a busy machine too."""
    worker = topology.services["worker"]
    before = time.monotonic()
    assert topology.healthy(worker)
    assert time.monotonic() - before < seconds(worker.body["healthcheck"]["timeout"])


async def test_a_hold_gets_in_force_and_the_worker_stops_in_good_order(topology: Topology) -> None:
    worker = topology.services["worker"]
    environment = topology.environment(worker)
    chosen = {
        name.removeprefix("HOLD_").lower(): value for name, value in environment.items() if name.startswith("HOLD_")
    }
    settings = Settings(_env_file=None, **chosen, embedded=True)
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=8)
    sandbox = SandboxServer(topology.folder / "sandbox-control", "")
    sandbox.url = settings.netsuite_url
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        stack.callback(sandbox._control.close)
        world = World(settings, engine, await connect(settings), sandbox)
        customer = world.customer()

        await world.start(customer)
        assert sandbox.applied(f"N-{customer}") == []
        await world.approve(customer)
        await world.eventually(lambda: {beat["status"] for beat in world.show(customer)["beats"]} == {"done"})
        await world.in_status(customer, "in_force")

        written = sandbox.applied(f"N-{customer}")
        assert [row["body"] for row in written] == [{"creditHoldOverride": {"id": "ON"}}]
        listed = topology.run(worker, ["hold", "list", "--json"])
        assert listed.returncode == 0, listed.stdout
        assert customer in listed.stdout

    process = topology.processes["worker"]
    process.terminate()
    assert process.wait(seconds(worker.body["stop_grace_period"])) == 0
    assert not topology.healthy(worker)
    assert "worker stopped" in (topology.folder / "worker.log").read_text()
