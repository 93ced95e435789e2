"""That nothing is listed as different is worth what the last check was: each case says which it is."""

from datetime import UTC, datetime

import pytest

from credit.permissions import Role
from db.engine import transaction
from services.netsuite import drift_checks
from services.netsuite.answers import Differences
from services.netsuite.drift_checks import CheckState, LastCheck
from tests.admission.cli import program
from tests.desk.pages.reader import Reader
from tests.desk.server import DeskServer
from tests.drift.helpers import check
from tests.holds.helpers import in_force, workers
from tests.world import World
from workflows.contract import DRIFT_CHECK, DriftCheckInput

AT = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
EARLIER = datetime(2026, 11, 27, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "differing", "unwritten", "said"),
    [
        (LastCheck(CheckState.NEVER), 0, 0, "No check has run yet: whether NetSuite says what the record wants is not"),
        (LastCheck(CheckState.NEVER), 0, 1, "1 value waits to be written to NetSuite, and no check compares them"),
        (LastCheck(CheckState.RUNNING, AT), 0, 0, "since 2026-11-27 06:00 UTC. None has come to its end yet"),
        (LastCheck(CheckState.RUNNING, AT, trouble="timed out"), 0, 0, "It does not get on: timed out."),
        (LastCheck(CheckState.RUNNING, AT, done_at=EARLIER, looked_at=3), 0, 0, "differs as of 2026-11-27 05:00 UTC"),
        (LastCheck(CheckState.FAILED, AT), 0, 0, "06:00 UTC did not come to its end. None has come to its end yet"),
        (LastCheck(CheckState.DONE, AT, done_at=AT, looked_at=0), 0, 0, "there was nothing to compare"),
        (LastCheck(CheckState.DONE, AT, done_at=AT, looked_at=1), 0, 0, "when 1 record was compared."),
        (LastCheck(CheckState.DONE, AT, done_at=AT, looked_at=9), 2, 0, "What is listed differed as of"),
        (LastCheck(CheckState.UNKNOWN), 0, 0, "Temporal does not answer"),
    ],
)
def test_each_is_said(last: LastCheck, differing: int, unwritten: int, said: str) -> None:
    known = drift_checks.known(last, differing=differing, unwritten=unwritten)
    assert said in known
    assert ("Nothing differs" in known) == (last.looked_at is not None and last.looked_at > 0 and not differing)


async def state(world: World) -> LastCheck:
    return await drift_checks.last(world.client, world.settings.task_queue)


async def reaches(world: World, wanted: CheckState) -> LastCheck:
    """Temporal's list of workflows follows what happened."""
    while (found := await state(world)).state is not wanted:
        assert found.state in (CheckState.NEVER, CheckState.RUNNING)
    return found


async def test_never_running_and_done_on_every_surface(
    idle_world: World, desk: DeskServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world, mike = idle_world, Reader.of(desk, Role.APPROVER, "mike")
    hold, api = program(world, desk.url, monkeypatch, capsys), desk.client(Role.VIEWER)
    assert "Nothing differs" not in (await mike.get("/drift")).text
    assert "No check has run yet" in (await mike.get("/drift")).text
    assert (await api.get("/api/drift")).json()["check"]["state"] == "never"
    assert "No check has run yet" in (await hold("drift")).err

    started = await world.client.start_workflow(
        DRIFT_CHECK,
        DriftCheckInput(requested_by="mike"),
        id=f"d-{world.settings.task_queue}",
        task_queue=world.settings.task_queue,
    )
    await reaches(world, CheckState.RUNNING)
    page = await mike.get("/drift")
    assert "A check is running since" in page.text
    assert "Nothing differs" not in page.text
    assert [given["hx-trigger"] for _, given in page.elements if given.get("id") == "main"] == ["every 3s"]
    assert "A check is running since" in (await hold("drift")).err

    async with workers(world):
        await started.result()
        await reaches(world, CheckState.DONE)
        page = await mike.get("/drift")
        assert "A check is running" not in page.text
        assert "Nothing differs" not in page.text  # no record of ours was there to be compared
        assert [given["hx-trigger"] for _, given in page.elements if given.get("id") == "main"] == ["every 15s"]
        customer = world.customer()
        await in_force(world, customer)
        await check(world)
        while not ((found := await state(world)).looked_at):
            assert found.state is not CheckState.FAILED
        assert (await api.get("/api/drift")).json()["check"]["looked_at"] == 1
        assert " as of " in (await hold("drift")).err


async def test_a_value_that_waits_to_be_written_is_told(world: World) -> None:
    stuck = world.customer(in_netsuite=False)
    await world.start(stuck)
    await world.approve(stuck)
    await world.eventually(lambda: world.beat(stuck, "push_netsuite")["status"] == "needs_attention")
    with transaction(world.engine) as session:
        assert Differences.of(session).unwritten == 1
