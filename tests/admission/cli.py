"""`hold` as a program: a desk of the test and a token are all it has."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from credit.permissions import Role
from starter.cli import run
from tests.acting import made_token
from tests.world import World


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code in (0, 1), self.err
        return json.loads(self.out)


NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"

Program = Callable[..., Awaitable[Done]]


def token(world: World, role: Role) -> str:
    return made_token(world.engine, f"a-{role.label}", role)


def program(world: World, desk: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """Call `hold` with a role's token (admin by default), in a thread: whom it asks may run in this one."""
    for name, value in {
        "HOLD_DESK_URL": desk,
        "HOLD_DATABASE_URL": NOWHERE,
        "HOLD_DATA_DIR": str(world.settings.data_dir / "none"),
        "XDG_CONFIG_HOME": str(world.settings.data_dir / "config"),
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)

    async def call(*arguments: str | Path, role: Role = Role.ADMIN) -> Done:
        monkeypatch.setenv("HOLD_TOKEN", token(world, role))
        code = await asyncio.to_thread(run, [str(one) for one in arguments])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call
