"""Many people and programs at once, and a desk that dies: one decision, one set of effects."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
from sqlalchemy import func, select

from credit.permissions import Role
from db.engine import transaction
from db.models import AutoDecision, Decision
from desk.sign_in.strangers import KNOWN_ROWS
from runtime.settings import Settings
from tests.conftest import free_port, wait_until
from tests.desk.api.helpers import claimed, refused
from tests.desk.server import DeskServer
from tests.holds.helpers import all_done, events, rows
from tests.holds.test_relay import relaying
from tests.netsuite.sandbox_server import PLAIN_HTTP
from tests.world import World

MANY = 200


def writes(world: World, customer: str) -> list[str]:
    """What reached NetSuite's record of this customer, and changed it."""
    ledger = world.sandbox.ledger(f"N-{customer}")
    return [entry["method"] for entry in ledger if entry["method"] == "PATCH" and entry["applied"]]


async def test_200_approvals_at_once_give_one_decision_and_one_set_of_effects(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    api = desk.client(name="mike")
    body = {**await claimed(api, customer), "decision": "approve", "reason": "agreed"}
    url = f"/api/holds/{customer}/decision"

    answers = await asyncio.gather(*(api.post(url, json=body) for _ in range(MANY)))

    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: MANY - 1}
    codes = Counter(answer.json()["code"] for answer in answers if answer.status_code == 409)
    assert set(codes) <= {"nothing_to_decide", "claim_lost"}
    await all_done(world, customer)
    assert len(rows(world, select(Decision))) == 1
    assert len(rows(world, select(AutoDecision))) == 1
    assert writes(world, customer) == ["PATCH"]
    assert len(events(world, "system", "request_refused")) == KNOWN_ROWS  # and the rest as one number, a minute later


async def test_two_people_race_for_one_claim(desk: DeskServer, world: World) -> None:
    people = [desk.client(name=f"person-{number}") for number in range(8)]
    for _ in range(3):
        customer = world.customer()
        await world.start(customer)
        answers = await asyncio.gather(*(api.post(f"/api/holds/{customer}/claim") for api in people))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: len(people) - 1}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"claimed_by_another"}


async def test_another_person_cannot_decide_under_my_claim(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    body = {**await claimed(desk.client(name="mike"), customer), "decision": "approve", "reason": "stolen"}
    stolen = await desk.client(name="nina").post(f"/api/holds/{customer}/decision", json=body)
    refused(stolen, 409, "claim_lost")
    assert rows(world, select(Decision)) == []


class DeskProcess:
    """`python -m desk`, to be killed."""

    def __init__(self, settings: Settings, temporal: str, log: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            "PATH": os.environ["PATH"],
            "HOLD_DATA_DIR": str(settings.data_dir),
            "HOLD_DATABASE_URL": settings.database_url.get_secret_value(),
            "HOLD_EMBEDDED": "true",
            "HOLD_TEMPORAL_ADDRESS": temporal,
            "HOLD_TASK_QUEUE": settings.task_queue,
            "HOLD_DESK_PORT": str(port),
        }
        with log.open("wb") as output:
            command = [sys.executable, "-m", "desk"]
            self._process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        wait_until(self._ready, self._process, log)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False, verify=PLAIN_HTTP).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(20)


async def test_hold_is_applied_once_after_the_desk_dies_between_row_and_signal(
    desk: DeskServer, world: World, tmp_path: Path
) -> None:
    customer = world.customer()
    await world.start(customer)
    taken: asyncio.Event = asyncio.Event()

    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the connection and never answer: the signal is on its way for ever."""
        taken.set()
        await asyncio.sleep(60)
        writer.close()

    silent = await asyncio.start_server(swallow, "127.0.0.1", 0)
    address = f"127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    doomed = await asyncio.to_thread(DeskProcess, world.settings, address, tmp_path / "desk.log")
    headers = {"Authorization": f"Bearer {desk.token('mike', Role.APPROVER)}"}
    async with httpx.AsyncClient(base_url=doomed.url, headers=headers, trust_env=False, verify=PLAIN_HTTP) as api:
        body = {**await claimed(api, customer), "decision": "approve", "reason": "agreed"}
        deciding = asyncio.create_task(api.post(f"/api/holds/{customer}/decision", json=body, timeout=30))
        await world.eventually(lambda: rows(world, select(Decision)))
        await asyncio.wait_for(taken.wait(), 20)  # the signal is on its way
        await asyncio.to_thread(doomed.kill)
        [answer] = await asyncio.gather(deciding, return_exceptions=True)
    silent.close()
    assert isinstance(answer, httpx.TransportError), "it was killed before it could answer"
    [decision] = rows(world, select(Decision))
    assert (decision.sent_at, decision.applied_at) == (None, None)
    assert world.status(customer) == "proposed"

    async with relaying(world):
        await all_done(world, customer)

    with transaction(world.engine) as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 1
        assert session.scalar(select(func.count()).select_from(AutoDecision)) == 1
    assert writes(world, customer) == ["PATCH"]
