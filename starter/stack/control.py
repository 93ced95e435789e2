"""`hold up` and `hold up --detach`, as plain functions that return an exit status."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from starter.stack import lifecycle, ports, temporal_cli
from starter.stack.parts import Stack
from starter.stack.session import Plan, Say
from starter.stack.supervisor import nothing


@dataclass(frozen=True)
class StackOptions:
    """What `hold up` can be told. A port that is named is taken or refused; None leaves the choice to us."""

    data_dir: Path
    desk_port: int | None = None
    postgres_port: int | None = None
    temporal_port: int | None = None
    temporal_ui_port: int | None = None
    netsuite_port: int | None = None
    smtp_port: int | None = None
    worker_health_port: int | None = None

    @property
    def named_ports(self) -> dict[str, int | None]:
        return {name.removesuffix("_port"): port for name, port in asdict(self).items() if name.endswith("_port")}

    def plan(self, data_dir: Path, say: Say) -> Plan:
        """Return the whole embedded stack for this (existing, resolved) folder; gets the Temporal CLI if need be.

        Raises:
            StackError: a port that was named is taken, or a program is not to be had.
        """
        program = temporal_cli.ensure(say)
        reserved = ports.Reservations()
        stack = Stack(data_dir, ports.choose(data_dir, self.named_ports, say, reserved), program, say)
        return Plan(stack.stages(), stack.settings, reserved.close)


def up(options: StackOptions, *, detached: bool = False, ready: Callable[[], None] = nothing) -> int:
    """Run the stack in the foreground until SIGTERM, SIGINT or SIGHUP; `ready` is called when every part is.

    `detached` says that our stderr is the supervisor's log: what the background process of `up_detached` passes.

    Returns:
        0 after an orderly stop, or where the stack is up already; 1 where it can't be started (stderr says why).
    """
    return lifecycle.up(options.data_dir, options.plan, detached=detached, ready=ready)


def up_detached(options: StackOptions) -> int:
    """Start the stack in the background; return when every part is ready. It holds nothing of the caller's open.

    Returns:
        0 where it is up (also where it was already), 1 where it can't be started.
    """
    data_dir = str(options.data_dir.expanduser().absolute())
    argument = json.dumps({**asdict(options), "data_dir": data_dir})
    return lifecycle.up_detached(options.data_dir, [sys.executable, "-m", "starter.stack", argument])
