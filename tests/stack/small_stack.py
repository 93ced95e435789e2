"""A small stack for the tests: one small program, and a real PostgreSQL if wanted, under the real supervisor.

python small_stack.py up|detach|down DATA_DIR [--postgres] [--broken] [--slow] [--stolen] [--json]

With --stolen the program listens on the port of the Web UI, and a stranger takes the first one chosen for it.
"""

import json
import socket
import sys
import time
from functools import partial
from pathlib import Path

from starter.stack import lifecycle, ports, record
from starter.stack.launch import Launch
from starter.stack.postgres import OWNER, Postgres
from starter.stack.session import Plan, Say
from starter.stack.supervisor import Part

_LISTEN = """
import socket, sys, time
time.sleep(1)  # a program is slow to begin: what answers meanwhile is the stranger
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    server.accept()[0].close()
"""
_thief: list[socket.socket] = []


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def stolen_plan(data_dir: Path, say: Say) -> Plan:
    reserved = ports.Reservations()
    port = ports.choose(data_dir, {}, say, reserved)["temporal_ui"]
    if not _thief:
        _thief.append(socket.create_server(("127.0.0.1", port)))
    launch = Launch((sys.executable, "-c", _LISTEN, str(port)))
    program = Part("program", lambda: launch, lambda: answers(port), port=port, own_ports=(port,))
    return Plan([[program]], {}, reserved.close)


def plan(data_dir: Path, say: Say, *, broken: bool, with_postgres: bool, slow: bool) -> Plan:
    if slow:
        (data_dir / "planning").touch()
        time.sleep(60)
    reserved = ports.Reservations()
    port = ports.choose(data_dir, {}, say, reserved)["postgres"]
    postgres = Postgres(data_dir, port, durable=False)

    def prepare() -> None:
        postgres.clear_leftovers()
        postgres.ensure_initialised()

    sign = data_dir / "program.ready"
    script = "echo 'no such luck' >&2; exit 3" if broken else f"sleep 300 & echo $! > '{sign}'; wait"
    server = Part(
        "postgres",
        postgres.command,
        postgres.ready,
        port=port,
        prepare=prepare,
        first_ready=partial(postgres.create_database, "holds"),
        stop_signal=2,
    )
    program = Part(
        "program",
        lambda: Launch(("sh", "-c", script)),
        sign.exists,
        port=port,
        prepare=partial(sign.unlink, missing_ok=True),
    )
    settings = {
        "database_url": postgres.url("holds", OWNER),
        "smtp_host": "127.0.0.1",
        "smtp_port": 25,
        "mail_dir": "/mail",
    }
    return Plan([[server], [program]] if with_postgres else [[program]], settings, reserved.close)


def tell(data_dir: Path, asked: list[str]) -> None:
    """Print how the parts are, as a command does that was asked for JSON."""
    if "--json" in asked:
        print(json.dumps([part.state for part in record.status(data_dir).parts]), flush=True)  # noqa: T201


if __name__ == "__main__":
    command, folder, *rest = sys.argv[1:]
    data_dir = Path(folder)
    planner = partial(plan, broken="--broken" in rest, with_postgres="--postgres" in rest, slow="--slow" in rest)
    if "--stolen" in rest:
        planner = stolen_plan
    if command == "detach":
        sys.exit(lifecycle.up_detached(data_dir, [sys.executable, __file__, "up", folder, "--detached", *rest]))
    if command == "up":
        sys.exit(lifecycle.up(data_dir, planner, detached="--detached" in rest, ready=partial(tell, data_dir, rest)))
    sys.exit(lifecycle.down(data_dir))
