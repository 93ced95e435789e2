"""Which port each part listens on: chosen once, remembered, and replaced where another program has taken it."""

import json
import random
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from starter.stack.errors import PortTakenError, StackError
from starter.stack.files import read_json, write_private

DEFAULTS: Mapping[str, int] = {
    "postgres": 15432,
    "temporal": 7233,
    "temporal_ui": 8233,
    "netsuite": 8455,
    "smtp": 2525,
    "worker_health": 9464,
    "desk": 8450,
}

_SPARE = range(20_000, 30_000)  # below the ports that the kernel hands to outgoing connections


def free(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger don't count
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Return who listens on this port, in words."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if address and connection.status == psutil.CONN_LISTEN and address.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
    except psutil.Error:
        pass
    return "a process that this user may not look at"


def choose(data_dir: Path, named: Mapping[str, int | None], say: Callable[[str], None]) -> dict[str, int]:
    """Return a free port for each name in `DEFAULTS`, and remember them in `<data_dir>/ports.json`.

    A named port is taken as it is; else the one remembered from the last start, else the default, else a free one.

    Raises:
        PortTakenError: a named port is in use.
        StackError: one port is named for two parts, or no port is free.
    """
    file = data_dir / "ports.json"
    remembered = {name: port for name, port in read_json(file).items() if isinstance(port, int)}
    chosen: dict[str, int] = {}
    for name in sorted(DEFAULTS, key=lambda name: named.get(name) is None):  # named ones first: they give way to nobody
        wanted = named.get(name)
        if wanted is not None:
            _refuse_taken(name, wanted, chosen)
            chosen[name] = wanted
            continue
        first = remembered.get(name, DEFAULTS[name])
        chosen[name] = next(
            port for port in (first, DEFAULTS[name], None) if port is None or _fits(port, chosen)
        ) or _spare(chosen)
        if chosen[name] != first:
            say(f"Port {first} ({name}) is in use; taking {chosen[name]} instead.")
    write_private(file, json.dumps(chosen, indent=2) + "\n")
    return chosen


def _fits(port: int, chosen: Mapping[str, int]) -> bool:
    return port not in chosen.values() and free(port)


def _refuse_taken(name: str, port: int, chosen: Mapping[str, int]) -> None:
    option = f"--{name.replace('_', '-')}-port"
    if port in chosen.values():
        raise StackError(f"{option} {port}: another part was given this port too; name a different one.")
    if not free(port):
        raise PortTakenError(
            f"{option} {port}: the port is in use by {holder(port)}. Stop that process, name another port, "
            f"or leave {option} out to have a free one chosen."
        )


def _spare(chosen: Mapping[str, int]) -> int:
    for port in random.sample(_SPARE, k=200):
        if _fits(port, chosen):
            return port
    raise StackError(f"No free port was found between {_SPARE.start} and {_SPARE.stop}.")
