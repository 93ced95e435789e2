"""The reconcile: holds whose workflow is gone, and workflows that contradict the record."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import make_url

from activities import reconciling
from credit.states import Beat, HoldStatus
from db import netsuite
from db.engine import transaction
from db.holds import beats, holds, reconciliation
from starter.stack.postgres import Postgres
from tests.holds.helpers import all_done, in_force
from tests.world import World
from workflows.contract import Mending, ReconcileReport


class Backup:
    """A copy of the test's database, taken when made, that can be put back in its place."""

    def __init__(self, postgres: Postgres, world: World) -> None:
        self._postgres, self._world = postgres, world
        self._name = make_url(world.settings.database_url.get_secret_value()).database or ""
        self._copy(self._name, f"{self._name}_backup")

    def restore(self) -> None:
        self._postgres.drop_database(self._name)
        self._copy(f"{self._name}_backup", self._name)
        self._postgres.drop_database(f"{self._name}_backup")

    def _copy(self, source: str, target: str) -> None:
        self._world.engine.dispose()  # a database is copied while nobody is connected to it
        self._postgres.create_database(target, template=source)
        self._world.engine.dispose()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare young holds too."""
    monkeypatch.setattr(reconciling, "_YOUNG", timedelta(0))
    monkeypatch.setattr(reconciling, "_SETTLE_SECONDS", 0.2)


async def reconcile(world: World, mending: Mending = Mending.RESTART) -> ReconcileReport:
    return await world.operations.reconcile(mending, actor="robin")


async def test_holds_that_agree_are_left_alone(world: World) -> None:
    proposed, in_force = world.customer(), world.customer()
    await world.start(proposed)
    await world.start(in_force)
    await world.approve(in_force)
    await world.in_status(in_force, "in_force")

    report = await reconcile(world, Mending.REPAIR)

    assert report.findings == []
    assert world.show(proposed)["status"] == "proposed"


@pytest.mark.parametrize("status", ["proposed", "in_force"])
async def test_terminated_workflow_is_started_again_and_takes_up_its_record(world: World, status: str) -> None:
    customer = world.customer()
    started = await world.start(customer)
    if status == "in_force":
        await world.approve(customer)
        await world.in_status(customer, status)
        await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "done")
    await world.workflow(customer).terminate("by accident")

    looked = await reconcile(world, Mending.LOOK)
    assert [(finding.workflow_id, finding.done) for finding in looked.findings] == [(f"service-hold/{customer}", "")]

    mended = await reconcile(world)

    assert len(mended.findings) == 1
    assert mended.findings[0].done
    state = await world.state(customer)
    assert state.hold is not None
    assert state.hold.hold_id == started.hold_id
    assert (await reconcile(world)).findings == []
    if status == "proposed":
        await world.approve(customer)
        await world.in_status(customer, "in_force")
    assert len(world.sandbox.applied(customer)) <= 1


async def test_decision_for_a_terminated_workflow_is_obeyed_after_the_restart(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.workflow(customer).terminate("by accident")
    decided = await world.approve(customer)
    assert not decided.delivered

    await reconcile(world)
    await world.workflow(customer).signal("decide", {"decision_id": str(decided.decision_id)})

    await world.in_status(customer, "in_force")


async def test_terminated_message_is_started_again(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    message = world.show(customer)["messages"][0]["id"]
    await world.client.get_workflow_handle(f"message/{message}").terminate("by accident")

    report = await reconcile(world)

    assert [finding.workflow_id for finding in report.findings] == [f"message/{message}"]
    assert (await reconcile(world)).findings == []


async def test_record_restored_to_before_the_approval_is_reported_and_repaired_only_when_asked(
    world: World, postgres: Postgres
) -> None:
    customer = world.customer()
    started = await world.start(customer)
    backup = Backup(postgres, world)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "done")
    backup.restore()

    reported = await reconcile(world)
    assert [finding.done for finding in reported.findings] == [""]
    assert "says in force, the record says proposed" in reported.findings[0].problem

    repaired = await reconcile(world, Mending.REPAIR)

    assert repaired.findings[0].done
    assert world.show(customer)["id"] == str(started.hold_id)
    state = await world.state(customer)
    assert state.status is HoldStatus.PROPOSED
    await world.approve(customer)
    await world.in_status(customer, "in_force")


async def test_record_that_lost_a_hold_gets_it_proposed_anew_when_asked(world: World, postgres: Postgres) -> None:
    customer = world.customer()
    backup = Backup(postgres, world)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "done")
    backup.restore()

    reported = await until_found(world, Mending.LOOK)
    assert "the record has no open hold" in reported.findings[0].problem

    repaired = await until_found(world, Mending.REPAIR)

    assert "proposed the hold anew" in repaired.findings[0].done
    await world.eventually(lambda: is_held(world, customer))
    hold = await world.shown_in_status(customer, "proposed")
    assert "lost from the record" in hold["reason"]


def is_held(world: World, customer: str) -> bool:
    with transaction(world.engine) as session:
        return reconciliation.open_hold(session, customer) is not None


async def until_found(world: World, mending: Mending) -> ReconcileReport:
    """Visibility lags: ask until the workflow is listed."""
    for _ in range(20):
        report = await reconcile(world, mending)
        if report.findings:
            return report
    raise AssertionError("never found")


@pytest.mark.parametrize("next_look", [None, datetime(2026, 1, 1, tzinfo=UTC)])
async def test_kind_9_a_hold_in_force_that_nobody_looks_at_again_is_found_and_looked_at(
    world: World, next_look: datetime | None
) -> None:
    customer = world.customer()
    await in_force(world, customer)
    with transaction(world.engine) as session:
        hold = holds.named(session, customer)
        hold.next_review_at = next_look

    def looked_at() -> bool:
        with transaction(world.engine) as session:
            at = holds.named(session, customer).next_review_at
            return at is not None and at > datetime.now(UTC)

    looked = await reconcile(world, Mending.LOOK)
    assert [(one.problem, one.done) for one in looked.findings] == [
        ("the hold is in force and nobody looks at it again", "")
    ]
    assert not looked_at()

    await reconcile(world)

    await world.eventually(looked_at)
    assert (await reconcile(world)).findings == []


async def test_a_beat_that_waits_in_the_record_and_that_nobody_runs_is_found_and_run(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    with transaction(world.engine) as session:
        hold = holds.named(session, customer)
        netsuite.desire_again(session, hold.id)
        beats.again(session, hold.id, Beat.PUSH_NETSUITE)
    world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": "OFF"}]).raise_for_status()

    reported = await reconcile(world)
    assert [finding.done for finding in reported.findings] == [""]
    assert "the record waits for what the workflow does not run: " in reported.findings[0].problem

    await reconcile(world, Mending.REPAIR)

    await all_done(world, customer)
    assert (await reconcile(world)).findings == []
    assert [row["body"]["creditHoldOverride"]["id"] for row in world.sandbox.applied(customer)] == ["ON", "ON"]
