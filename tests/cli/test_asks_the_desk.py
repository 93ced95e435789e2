"""A desk's address and a token are all that a command needs: each is called once, with the database out of reach."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from credit.permissions import Role
from services import schedules
from tests.admission.cli import Done, Program, program, token
from tests.cli.commands import LOCAL, commands
from tests.desk.server import DeskServer
from tests.holds.helpers import all_done
from tests.world import World

WHY = ("--reason", "x")
YES = ("--yes", *WHY, "--revision")


class Calls:
    """What was called, and how the desk answered."""

    def __init__(self, hold: Program) -> None:
        self._hold = hold
        self._known = {name for name, _ in commands()}
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    async def __call__(self, command: str, *arguments: str | Path) -> str:
        done = await self._hold(*command.split(), *arguments)
        self._note(command, done, answered=done.code == 0)
        return done.out

    async def refused(self, command: str, *arguments: str, said: str) -> None:
        """A refusal of the desk's, for a good reason, is an answer too."""
        done = await self._hold(*command.split(), *arguments)
        self._note(command, done, answered=done.code == 1 and "refused: " in done.err and said in done.err)

    def _note(self, command: str, done: Done, *, answered: bool) -> None:
        self.seen |= {command} & self._known
        if not answered:
            self.wrong.append(f"{command}: exit {done.code}, {done.err}")


async def of_a_hold(call: Calls, world: World, folder: Path) -> None:
    customer, later = world.customer(), world.customer()
    day = str((datetime.now(UTC) + timedelta(days=5)).date())
    await call("start", customer, *WHY)
    await call("list")
    await call("claim", customer)
    await call("approve", customer, *YES, "1")
    await call.refused("undo", customer, *WHY, said="cannot be taken back")
    await all_done(world, customer)
    await world.in_status(customer, "in_force")
    await call("show", customer)
    for command in ("retry", "skip", "cancel"):
        await call.refused(command, customer, "--beat", "push_netsuite", *WHY, said="nothing to decide")
    await call("dates", customer, "--end", day, *WHY)
    await call("exception add", customer, "--order", "SO-1", "--until", day, *WHY)
    exception = world.show(customer)["exceptions"][0]["id"]
    await call("exception list", customer)
    await call("exception end", customer, exception, *WHY)
    await of_messages(call, world, customer, folder)
    await call("release", customer, *WHY)
    await call("decline", customer, *YES, str(world.show(customer)["revision"]))
    await world.eventually(lambda: world.show(customer)["proposal"]["status"] == "declined")
    await call("override", customer, "--yes", *WHY)
    many = folder / "many.csv"
    many.write_text(f"customer_id,reason\n{later},x\n")
    assert '"created"' in await call("start", "--from", many, "--yes", "--json")


async def of_messages(call: Calls, world: World, customer: str, folder: Path) -> None:
    [notice] = [one["id"] for one in world.show(customer)["messages"] if one["kind"] == "customer_notice"]
    body = folder / "body.txt"
    body.write_text("Please call us.\n")
    await call("messages list")
    await call("messages show", notice)
    await call("messages edit", notice, "--body-file", body)
    await call("messages claim", notice)
    await call("messages approve", notice, *YES, "2")
    await call("messages recall", notice, *WHY)
    await call("messages discard", notice, *YES, "2")
    for command in ("arrived", "not-arrived", "retry"):
        await call.refused(f"messages {command}", notice, *WHY, said="the message is discarded")


async def of_receivables(call: Calls, world: World, folder: Path) -> None:
    customer = world.customer(in_netsuite=False)
    day = str((datetime.now(UTC) + timedelta(days=5)).date())
    policy = folder / "policy.json"
    policy.write_text('{"trigger_days_overdue": 60}')
    await call("exempt add", customer, "--until", day, *WHY)
    await call("exempt list")
    await call("ar scan")
    assert customer not in await call("ar scan", "--dry-run")
    await call("ar scan", "--policy", policy)
    await call("exempt end", customer, *WHY)
    owed = {"id": "1", "tranId": "1", "type": "CustInvc", "entity": f"N-{world.customer()}", "tranDate": day}
    world.sandbox.put("transactions", [owed | {"unpaid": 1}])
    await call.refused("ar pull", said="the file leaves out")
    await schedules.ensure(world.client, world.settings)
    await call("ar schedule show")
    await call("ar schedule pause")
    await call("ar schedule run")
    await call("ar schedule resume", *WHY)
    assert "30 5 * * *" in (await call("ar schedule", "--cron", "30 5 * * *"))
    for command in ("list", "check"):
        await call(f"drift {command}")
    for command in ("repair", "accept", "adopt"):
        await call.refused(f"drift {command}", customer, *WHY, said=customer)
    await call("report")


async def of_freight(call: Calls, world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await call("profile set", customer, "--limit", "5000")
    await call("profile show", customer)
    await call("block add", customer, "--note", "x")
    listed = await call("block list", customer)
    await call("block remove", customer, listed.split()[-1], *WHY)
    await call("org show")
    await call("org set", "--auto-apply", "on")


async def of_people(call: Calls, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for login in ("anna", "mike"):
        await call("user create", login, "--role", "admin")
    await call("absence add", "--login", "anna", "--delegate", "mike", "--until", str(datetime.now(UTC).date()), *WHY)
    absence = (await call("absence list")).split()[-1]
    await call("absence end", absence)
    for command in ("disable", "enable", "reset-password", "sign-out"):
        await call(f"user {command}", "anna")
    await call("user role", "anna", "viewer")
    await call("user change", "anna", "--email", "anna@example.test")
    assert "anna" in await call("user list")
    assert await call("token create", "--name", "job", "--role", "viewer")
    assert "job" in await call("token list")
    await call("token revoke", "job")
    monkeypatch.setattr("sys.stdin", io.StringIO(token(world, Role.VIEWER)))
    await call("sign-in", "--token")
    assert "a-admin" in await call("who", "--json")  # by HOLD_TOKEN
    await call("sign-out")
    await call("audit verify")
    assert "token_revoked" in await call("audit export")


async def test_a_desk_and_a_token_serve_every_command(
    world: World,
    desk: DeskServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world.set_policy(notice_cooling_off=timedelta(hours=1))
    call = Calls(program(world, desk.url, monkeypatch, capsys))
    await of_people(call, world, monkeypatch)
    await of_freight(call, world)
    await of_a_hold(call, world, tmp_path)
    await of_receivables(call, world, tmp_path)
    assert call.wrong == []
    known = {name for name, _ in commands()}
    assert known >= LOCAL
    assert call.seen == known - LOCAL, "a command that asks no desk, or is not called here"
