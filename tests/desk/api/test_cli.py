"""The command `hold` through the desk: what it prints, and its exit codes. The desk and a token are all it needs."""

import asyncio
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from credit.permissions import Role
from starter.cli import run
from tests.conftest import free_port
from tests.desk.server import DeskServer
from tests.holds.helpers import all_done, in_force
from tests.patience import PATIENCE
from tests.world import World

DONE, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3


class Hold:
    """`hold` in this process: a process of its own takes two seconds to start."""

    def __init__(self, desk: DeskServer, token: str) -> None:
        self._env = {"HOLD_TOKEN": token, "HOLD_DESK_URL": desk.url, "HOLD_DATA_DIR": str(desk.settings.data_dir)}
        self._env["HOLD_DATABASE_URL"] = "postgresql+psycopg://nobody@127.0.0.1:1/none"
        self._env["HOLD_TEMPORAL_ADDRESS"] = "127.0.0.1:1"

    async def __call__(self, *arguments: str, code: int = DONE) -> str:
        """Run a command; gives what it said to stderr."""
        return (await asyncio.to_thread(self._run, arguments, code))[1]

    async def json(self, *arguments: str) -> Any:
        return json.loads((await asyncio.to_thread(self._run, (*arguments, "--json"), DONE))[0])

    def _run(self, arguments: tuple[str, ...], code: int) -> tuple[str, str]:
        out, said = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(said):
            for name, value in self._env.items():
                patch.setenv(name, value)
            finished = run(list(arguments))
        assert finished == code, out.getvalue() + said.getvalue()
        return out.getvalue(), " ".join(said.getvalue().split())


async def test_holds_are_started_shown_and_decided(desk: DeskServer, world: World) -> None:
    world.set_policy(approval_undo=timedelta(seconds=20))
    hold = Hold(desk, desk.token("mike", Role.APPROVER))
    customer = world.customer()
    started = await hold.json("start", customer, "--reason", "their bank called")
    assert (started["customer_id"], started["created"], started["revision"]) == (customer, True, 1)
    assert [one["id"] for one in (await hold.json("list"))["holds"]] == [started["id"]]
    assert (await hold.json("claim", customer))["revision"] == 1
    decide = ("approve", customer, "--yes", "--reason", "agreed", "--revision")
    assert "revision 7" in await hold(*decide, "7", code=REFUSED)
    approved = await hold.json(*decide, "1")
    assert (approved["id"], approved["status"], approved["delivered"]) == (started["id"], "approved", True)
    undone = await hold.json("undo", customer, "--reason", "not yet")
    assert (undone["status"], undone["revision"]) == ("proposed", 2)
    world.set_policy(approval_undo=timedelta(0))
    await hold("approve", customer, "--yes", "--reason", "now", "--revision", "2")
    await all_done(world, customer)
    assert "nothing to decide" in await hold("decline", customer, "--yes", "--reason", "x", "--revision", "2", code=1)
    assert "no hold matches" in await hold("show", "nobody", code=REFUSED)
    assert "waiting to be retried" in await hold("retry", customer, code=REFUSED)
    assert "--yes" in await hold("approve", customer, "--reason", "x", code=USAGE)
    viewer = Hold(desk, desk.token("vera", Role.VIEWER))
    assert "viewer" in await viewer("claim", customer, code=REFUSED)
    assert "token" in await Hold(desk, "forged")("list", code=REFUSED)


async def test_messages_are_edited_and_decided(desk: DeskServer, world: World, tmp_path: Path) -> None:
    world.set_policy(notice_cooling_off=timedelta(hours=1))
    hold = Hold(desk, desk.token("mike", Role.APPROVER))
    customer = world.customer()
    await in_force(world, customer)
    found = {one["kind"]: one["id"] for one in (await hold.json("messages", "list", customer))["messages"]}
    notice = found["customer_notice"]
    assert notice in [one["id"] for one in (await hold.json("messages", "list"))["messages"]]
    body = tmp_path / "body.txt"
    body.write_text("Please call us.\n")
    edited = await hold.json("messages", "edit", notice, "--subject", "A kinder one", "--body-file", str(body))
    assert (edited["revision"], edited["subject"], edited["body"].strip()) == (2, "A kinder one", "Please call us.")
    approve = ("messages", "approve", notice, "--yes", "--reason", "good", "--revision")
    stale = await hold(*approve, "1", code=REFUSED)
    assert "+Subject: A kinder one" in stale
    approved = await hold.json(*approve, "2")
    assert approved["status"] == "approved"
    assert (await hold.json("messages", "show", notice))["send_after"] == approved["send_after"]
    assert (await hold.json("messages", "recall", notice, "--reason", "wait"))["status"] == "pending_review"
    discard = ("messages", "discard", notice, "--yes", "--reason", "no", "--revision", "2")
    assert (await hold.json(*discard))["status"] == "discarded"
    for command in ("arrived", "not-arrived", "retry"):
        await hold("messages", command, notice, "--reason", "x", code=REFUSED)
    await hold("messages", "show", "odd", code=REFUSED)
    assert "nothing to change" in await hold("messages", "edit", notice, code=USAGE)


async def test_desk_that_is_down_is_exit_3() -> None:
    environment = {"PATH": os.environ["PATH"], "HOLD_DESK_URL": f"http://127.0.0.1:{free_port()}", "HOLD_TOKEN": "any"}
    command = [sys.executable, "-m", "starter.cli", "approve", "1012", "--yes", "--reason", "x", "--revision", "1"]
    finished = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert finished.returncode == UNREACHABLE, finished.stderr
    assert "cannot reach a service: the desk at http://127.0.0.1" in finished.stderr
