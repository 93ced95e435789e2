"""Which port each part listens on: chosen once, remembered, and replaced where another program has taken it.

A chosen port is reserved among all stacks of this machine until its stack ends, so that two that start in the same
second never take the same one. A stranger can still be quicker: the supervisor sees that, and ports are chosen anew.
"""

import json
import random
import socket
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import psutil

from runtime.files import write_private
from starter.stack.errors import PortTakenError, StackError
from starter.stack.files import read_json

DEFAULTS: Mapping[str, int] = {
    "postgres": 15432,
    "temporal": 7233,
    "temporal_ui": 8233,
    "netsuite": 8455,
    "smtp": 2525,
    "worker_health": 9464,
    "desk": 8450,
}

_REACHED = ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104 (compared with, not bound)
_SPARE = range(20_000, 30_000)  # below the ports that the kernel hands to outgoing connections


class Reservations:
    """Ports that no other holder of reservations on this machine takes, until `close` or the end of the process.

    On Linux a reservation is a socket bound to an abstract name. Such names live in the network namespace, as ports do,
    whoever the user and whatever the file system; the kernel gives them back when the process dies. Elsewhere nothing
    is reserved.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Reserve this port; False where another holder has it or a server could not listen on it now."""
        return port not in self._held and self._reserve(port) and self._listenable(port)

    def take_named(self, port: int) -> bool:
        """Take a port that somebody asked for: only who listens on it now stands in the way."""
        self._reserve(port)
        return self._listenable(port)

    def spare(self) -> int:
        """Reserve a free port, any one.

        Raises:
            StackError: no port is free.
        """
        for port in random.sample(_SPARE, k=1000):
            if self.take(port):
                return port
        raise StackError(f"No free port was found between {_SPARE.start} and {_SPARE.stop}.")

    def close(self) -> None:
        while self._held:
            self._held.popitem()[1].close()

    def _reserve(self, port: int) -> bool:
        if sys.platform != "linux":
            return True
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0service-holds/port/{port}")
        except OSError:
            name.close()
            return False
        self._held[port] = name
        return True

    def _listenable(self, port: int) -> bool:
        if free(port):
            return True
        if port in self._held:
            self._held.pop(port).close()
        return False


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


def listeners(port: int) -> list[int | None]:
    """Return the pids of the processes that listen on this port of 127.0.0.1; None is one that may not be looked at."""
    try:
        return [
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.laddr
            and connection.status == psutil.CONN_LISTEN
            and connection.laddr.port == port
            and connection.laddr.ip in _REACHED
        ]
    except psutil.Error:
        return []


def held_by_another(port: int, ours: Collection[int]) -> bool:
    """Tell whether a process that is none of these pids is seen to listen on this port."""
    found = listeners(port)
    return bool(found) and not any(pid in ours for pid in found)


def holder(port: int) -> str:
    for pid in listeners(port):
        if pid is not None:
            try:
                return f"{psutil.Process(pid).name()}, pid {pid}"
            except psutil.Error:
                continue
    return "a process that this user may not look at"


def choose(
    data_dir: Path, named: Mapping[str, int | None], say: Callable[[str], None], reserved: Reservations
) -> dict[str, int]:
    """Return a free port for each name in `DEFAULTS`, and remember them in `<data_dir>/ports.json`.

    A named port is taken as it is; else the one remembered from the last start, else the default, else a free one. They
    are ours until `reserved` is closed.

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
            _take_named(name, wanted, chosen, reserved)
            chosen[name] = wanted
            continue
        first = remembered.get(name, DEFAULTS[name])
        usual = (port for port in (first, DEFAULTS[name]) if port not in chosen.values() and reserved.take(port))
        chosen[name] = next(usual, None) or reserved.spare()
        if chosen[name] != first:
            say(f"Port {first} ({name}) is in use; taking {chosen[name]} instead.")
    write_private(file, json.dumps(chosen, indent=2) + "\n")
    return chosen


def _take_named(name: str, port: int, chosen: Mapping[str, int], reserved: Reservations) -> None:
    option = f"--{name.replace('_', '-')}-port"
    if port in chosen.values():
        raise StackError(f"{option} {port}: another part was given this port too; name a different one.")
    if not reserved.take_named(port):
        raise PortTakenError(
            f"{option} {port}: the port is in use by {holder(port)}. Stop that process, name another port, "
            f"or leave {option} out to have a free one chosen."
        )
