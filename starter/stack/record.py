"""What runs where: `<data_dir>/stack.json`, by which every other command finds the stack."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from runtime.files import write_private
from starter.stack.errors import StackError
from starter.stack.files import read_json
from starter.stack.processes import Identity

StackState = Literal["starting", "running", "stopping", "stopped"]
PartState = Literal["running", "restarting", "stopped"]


@dataclass(frozen=True)
class PartRecord:
    """One part as it was when the record was written; `pid` and `started` name its process, None while it has none."""

    name: str
    state: PartState
    pid: int | None = None
    started: str | None = None
    port: int | None = None

    @property
    def identity(self) -> Identity | None:
        return None if self.pid is None or self.started is None else Identity(self.pid, self.started)

    @property
    def alive(self) -> bool:
        return self.identity is not None and self.identity.alive()


@dataclass(frozen=True)
class StackRecord:
    """The whole record. `settings` has the field names of `runtime.settings.Settings`."""

    stack_id: str
    state: StackState = "stopped"
    supervisor: Identity | None = None
    parts: tuple[PartRecord, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def supervised(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return self.supervisor is not None and self.supervisor.alive()


def path(data_dir: Path) -> Path:
    return data_dir / "stack.json"


def write(data_dir: Path, record: StackRecord) -> None:
    """Replace the record in one step, mode 0600 (it holds the database's password)."""
    write_private(path(data_dir), json.dumps(asdict(record), indent=2) + "\n")


def read(data_dir: Path) -> StackRecord | None:
    """Return the record; None where no stack ever ran in this folder.

    Raises:
        StackError: the file can't be read as a record.
    """
    try:
        raw: dict[str, Any] = read_json(path(data_dir))
        if not raw:
            return None
        supervisor = raw["supervisor"]
        return StackRecord(
            stack_id=raw["stack_id"],
            state=raw["state"],
            supervisor=None if supervisor is None else Identity(**supervisor),
            parts=tuple(PartRecord(**part) for part in raw["parts"]),
            settings=raw["settings"],
        )
    except (KeyError, TypeError, OSError) as error:
        raise StackError(f"{path(data_dir)} can't be read as the record of a stack: {error!r}.") from error


@dataclass(frozen=True)
class PartStatus:
    name: str
    pid: int | None
    state: PartState


@dataclass(frozen=True)
class StackStatus:
    """Where each service of the stack is, and how each part is. An address is None where no stack ever ran.

    `temporal` and `smtp` are `host:port`; `desk`, `temporal_ui`, `netsuite` and `postgres` are URLs, the last with its
    password.
    """

    desk: str | None
    temporal: str | None
    temporal_ui: str | None
    netsuite: str | None
    smtp: str | None
    mail_dir: str | None
    postgres: str | None
    parts: tuple[PartStatus, ...] = ()

    @property
    def running(self) -> bool:
        return bool(self.parts) and all(part.state == "running" for part in self.parts)


def status(data_dir: Path) -> StackStatus:
    """Return how the stack of this data folder is now: looked at, not only as recorded.

    Raises:
        StackError: the record can't be read.
    """
    record = read(data_dir.expanduser())
    if record is None:
        return StackStatus(None, None, None, None, None, None, None)
    settings = record.settings
    smtp = f"{settings['smtp_host']}:{settings['smtp_port']}" if "smtp_host" in settings else None
    return StackStatus(
        desk=settings.get("desk_url") or None,
        temporal=settings.get("temporal_address"),
        temporal_ui=settings.get("temporal_ui_url"),
        netsuite=settings.get("netsuite_url"),
        smtp=smtp,
        mail_dir=settings.get("mail_dir"),
        postgres=settings.get("database_url"),
        parts=tuple(_part_status(part, supervised=record.supervised) for part in record.parts),
    )


def _part_status(part: PartRecord, *, supervised: bool) -> PartStatus:
    alive = part.alive
    if supervised and part.state != "stopped":
        state: PartState = "running" if alive and part.state == "running" else "restarting"
    else:
        state = "running" if alive else "stopped"
    return PartStatus(part.name, part.pid if alive else None, state)
