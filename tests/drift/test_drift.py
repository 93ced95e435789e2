"""NetSuite is changed behind our back: seen once, asked once, and only a person's word rewrites it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from credit.states import Beat
from credit.triggers import TriggerKind
from db.engine import transaction
from db.errors import NothingToRepairError
from db.holds import decisions
from db.models import Decision, NetSuiteDrift, NetSuiteRecord
from netsuite import suiteql
from netsuite.client import DEFAULT_TIMEOUT
from services.netsuite.client import InTurn, netsuite_client
from tests.drift.helpers import all_done, asked, check, listed, operations, released, rows, says, written
from tests.holds.helpers import (
    events,
    evidence_of,
    in_force,
    knows,
    proposals_of,
    send,
    shows,
    tried_in_vain,
    trigger,
    workers,
)
from tests.world import World
from workflows.contract import DRIFT_CHECK, RESTORE_AGAIN

RESTORE = "restore_netsuite"


@pytest.fixture
async def held(world: World) -> str:
    customer = world.customer()
    await in_force(world, customer)
    return customer


def outcomes(world: World) -> list[str | None]:
    query = select(NetSuiteDrift).where(NetSuiteDrift.hold_id.is_not(None)).order_by(NetSuiteDrift.first_seen_at)
    return [row.outcome for row in rows(world, query)]


async def test_what_agrees_is_left_alone(world: World, held: str) -> None:
    report = await check(world)
    assert (report.looked_at, report.differing, report.asked) == (1, 0, 0)
    assert listed(world, held) == []
    assert written(world, held) == ["ON"]


async def test_a_difference_is_asked_about_once_and_nothing_is_rewritten(world: World, held: str) -> None:
    says(world, held, "OFF")

    report = await check(world)
    assert (report.differing, report.asked) == (1, 1)
    proposal = await asked(world, held)
    for _ in range(2):
        assert (await check(world)).asked == 0

    assert "NETSUITE SAYS OFF" in proposal["note"]
    [row] = listed(world, held)
    assert (row["expected"], row["found"], row["mend"]) == ("ON", "OFF", "approve or decline")
    assert row["last_seen_at"] > row["first_seen_at"]
    assert world.audit(held).count("netsuite_drift_found") == 1
    assert [one.kind for one in proposals_of(world, held)] == ["place", "repair"]
    await shows(world, held, HoldStatus="in_force", WaitingOn="approver")
    assert world.show(held)["netsuite"]["value"] == "OFF"
    assert written(world, held) == ["ON"]


async def test_an_approved_repair_writes_once_more_and_keeps_the_prior_value(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)

    await world.approve(held)
    await world.eventually(lambda: written(world, held) == ["ON", "ON"])
    await all_done(world, held)

    [record] = rows(world, select(NetSuiteRecord))
    assert (record.prior, record.value, record.generation) == ("AUTO", "ON", 2)
    assert (listed(world, held), outcomes(world)) == ([], ["repaired"])
    assert (await check(world)).differing == 0
    await knows(
        world, held, lambda state: state.waiting_on == "nobody" and state.beats["push_netsuite"].status == "done"
    )
    says(world, held, "OFF")
    assert (await check(world)).asked == 1, "the same value again is a new difference"
    await released_after_decline(world, held)


async def released_after_decline(world: World, held: str) -> None:
    """What a decline accepted is asked about by the release, since somebody changed the record meanwhile."""
    await asked(world, held)
    await world.decline(held)
    await knows(world, held, lambda state: state.waiting_on == "nobody")
    await world.operations.request_release(held, reason="they paid", actor="robin")
    await world.approve(held)
    await world.eventually(lambda: world.show(held)["waiting_on"] == "operator")
    assert written(world, held) == ["ON", "ON"]


async def test_a_declined_repair_is_not_asked_again_until_netsuite_changes_again(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    await world.decline(held)
    await world.eventually(lambda: outcomes(world) == ["accepted"])

    assert (await check(world)).asked == 0
    assert written(world, held) == ["ON"]
    says(world, held, "AUTO")
    assert (await check(world)).asked == 1
    assert "NETSUITE SAYS AUTO" in (await asked(world, held))["note"]


async def test_another_value_while_undecided_makes_a_new_revision(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    before = await asked(world, held)
    revision = world.show(held)["revision"]
    says(world, held, "AUTO")
    await check(world)

    after = await asked(world, held)
    assert (after["id"], world.show(held)["revision"]) == (before["id"], revision + 1)
    assert "NETSUITE SAYS AUTO" in after["note"]
    assert outcomes(world) == ["changed", None]


async def test_a_difference_that_went_away_withdraws_its_question(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    says(world, held, "ON")
    await check(world)

    await world.eventually(lambda: world.show(held)["proposal"]["status"] == "withdrawn")
    await shows(world, held, WaitingOn="nobody")
    assert outcomes(world) == ["gone"]


async def test_a_push_that_is_retrying_is_no_difference(world: World) -> None:
    customer = world.customer()
    world.sandbox.faults(error_rate=1.0)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "retrying")
    checking = asyncio.create_task(check(world))
    await tried_in_vain(world, DRIFT_CHECK)
    world.sandbox.clear_faults()

    assert (await checking).differing == 0
    await all_done(world, customer)
    assert (await check(world)).looked_at == 1
    assert outcomes(world) == []


async def test_an_outage_in_the_middle_of_a_check_only_makes_it_late(world: World, held: str) -> None:
    says(world, held, "OFF")
    world.sandbox.faults(outage=True)
    checking = asyncio.create_task(check(world))
    await tried_in_vain(world, DRIFT_CHECK)
    assert not checking.done()
    assert listed(world, held) == []
    world.sandbox.clear_faults()

    report = await checking
    assert (report.looked_at, report.differing, report.asked) == (1, 1, 1)


async def test_a_release_goes_before_a_repair_and_the_repair_is_asked_afterwards(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    await world.operations.request_release(held, reason="they paid", actor="robin")
    assert world.show(held)["proposal"]["kind"] == "release"
    assert (await check(world)).asked == 0

    await world.decline(held)
    await knows(world, held, lambda state: state.waiting_on == "nobody")
    assert (await check(world)).asked == 1
    await asked(world, held)


async def test_a_repair_taken_back_is_proposed_again(world: World, held: str) -> None:
    world.set_policy(approval_undo=timedelta(minutes=5))
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    await world.approve(held)
    await world.operations.undo(held, actor="mike", reason="wait")

    world.set_policy(approval_undo=timedelta(0))
    await asked(world, held)
    await world.approve(held)
    await world.eventually(lambda: written(world, held) == ["ON", "ON"])


async def test_a_released_hold_is_watched_and_repaired_by_its_own_small_workflow(world: World, held: str) -> None:
    await released(world, held)
    says(world, held, "ON")
    report = await check(world)
    assert (report.differing, report.asked) == (1, 0)
    [row] = listed(world, held)
    assert (row["expected"], row["found"], row["mend"]) == ("AUTO", "ON", "repair or accept")

    world.sandbox.faults(outage=True)
    await operations(world).repair(held, actor="mike", reason="set by mistake")
    assert listed(world, held) == []
    await tried_in_vain(world, RESTORE_AGAIN)
    world.sandbox.clear_faults()
    await world.eventually(lambda: written(world, held) == ["ON", "AUTO", "AUTO"])
    await world.eventually(lambda: world.show(held)["release_beats"][-1]["status"] == "done")
    assert (await check(world)).differing == 0
    with pytest.raises(NothingToRepairError):
        await operations(world).repair(held, actor="mike", reason="again")


async def test_what_a_released_customer_says_can_be_accepted_and_is_watched_for_a_while_only(
    world: World, held: str
) -> None:
    await released(world, held)
    says(world, held, "OFF")
    await check(world)
    await operations(world).accept(held, actor="mike", reason="a new agreement")
    await check(world)
    assert (listed(world, held), written(world, held)) == ([], ["ON", "AUTO"])

    world.set_policy(drift_watch_released=timedelta(0))
    assert (await check(world)).looked_at == 0


async def test_a_hold_in_force_is_not_repaired_past_its_approver(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    with pytest.raises(NothingToRepairError, match="approve or decline"):
        await operations(world).repair(held, actor="mike", reason="at once")


async def test_where_netsuite_leaks_the_hold_says_so(world: World) -> None:
    customer = world.customer(amount="40000")
    n = f"N-{customer}"
    says(world, customer, "AUTO", creditLimit=30000)
    world.sandbox.seed([{"id": f"{n}-sub", "companyName": "Subsidiary Ltd", "parent": n}])
    await in_force(world, customer)
    assert world.show(customer)["netsuite"]["gaps"] == []
    await check(world)

    gaps = " / ".join(world.show(customer)["netsuite"]["gaps"])
    assert f"Subsidiary Ltd ({n}-sub)" in gaps
    assert "no payment terms" in gaps
    assert "cash sales" in gaps
    assert "40,000.00 open is above its credit limit of 30,000.00" in gaps
    world.sandbox.seed([{"id": f"{n}-sub", "creditHoldOverride": "ON"}])
    says(world, customer, "ON", terms="Net 30", creditLimit=90000)
    await check(world)
    assert len(world.show(customer)["netsuite"]["gaps"]) == 1


async def test_the_cap_on_netsuite_calls_holds_for_checks_and_pushes_together(world: World) -> None:
    customers = [world.customer() for _ in range(6)]
    world.sandbox.clear_faults()  # which also starts the count anew
    world.sandbox.faults(latency_ms=30)
    await asyncio.gather(*(in_force(world, customer) for customer in customers), *(check(world) for _ in range(6)))

    assert 2 <= world.sandbox.health()["most_at_once"] <= world.settings.netsuite_concurrency


async def test_kind_12_the_cap_on_netsuite_calls_is_one_for_all_workers_and_desks(idle_world: World) -> None:
    world = idle_world
    world.settings = world.settings.model_copy(update={"netsuite_concurrency": 2})
    customers = [world.customer() for _ in range(8)]
    world.sandbox.clear_faults()
    world.sandbox.faults(latency_ms=100)

    def pull_a_page() -> None:
        with netsuite_client(world.settings) as client:
            asks = InTurn(client, world.engine, world.settings.netsuite_concurrency)
            suiteql.page_after(asks, "SELECT c.id FROM customer c", "c.creditholdoverride = 'ON'", "c.id", None)

    address = world.client.service_client.config.target_host
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    elsewhere = World(world.settings, world.engine, client, world.sandbox)
    async with workers(world, DEFAULT_TIMEOUT), workers(elsewhere, DEFAULT_TIMEOUT):
        asks = [asyncio.to_thread(pull_a_page) for _ in range(4)]
        await asyncio.gather(*(in_force(world, customer) for customer in customers), *asks)

    assert world.sandbox.health()["most_at_once"] == 2


async def test_every_word_of_a_difference_is_in_the_audit(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    [event] = events(world, world.show(held)["id"], "netsuite_drift_found")
    assert (event.detail["before"], event.detail["after"]) == ("ON", "OFF")
    assert "repair_proposed" in world.audit(held)


async def test_new_evidence_leaves_the_question_of_an_open_repair_as_it_is(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    before = await asked(world, held)

    await send(world, held, trigger(TriggerKind.CUSTOMER_HEALTH))

    await world.eventually(lambda: evidence_of(world, held) == 2)
    after = await asked(world, held)
    assert after == before
    assert "NETSUITE SAYS OFF" in after["note"]


async def test_a_retry_while_netsuite_is_away_is_no_leave_to_write_over_somebodys_change(
    world: World, held: str
) -> None:
    """Only the answer to a question that was put lets the release write over what somebody set meanwhile."""
    world.sandbox.faults(outage=True).raise_for_status()
    await world.operations.request_release(held, reason="they paid", actor="robin")
    await world.approve(held)
    await world.eventually(lambda: world.beat(held, RESTORE)["status"] == "retrying")
    await world.operations.retry_beat(held, beat=None, actor="olga", reason="are they back?")
    says(world, held, "OFF")
    world.sandbox.clear_faults()

    await world.eventually(lambda: world.beat(held, RESTORE)["status"] == "needs_attention")
    assert "NetSuite says OFF" in world.beat(held, RESTORE)["last_error"]
    assert written(world, held) == ["ON"]

    await world.operations.retry_beat(held, beat=Beat.RESTORE_NETSUITE, actor="olga", reason="yes, write it")
    await world.in_status(held, "released")
    assert written(world, held) == ["ON", "AUTO"]


async def test_an_answer_counts_for_the_value_that_was_asked_about_alone(world: World) -> None:
    customer = world.customer()
    says(world, customer, "OFF")
    await in_force(world, customer)
    await world.operations.request_release(customer, reason="they paid", actor="robin")
    await world.approve(customer)
    await world.eventually(lambda: world.beat(customer, RESTORE)["status"] == "needs_attention")
    assert "NetSuite says ON" in world.beat(customer, RESTORE)["last_error"]

    says(world, customer, "AUTO")  # after the question
    await world.operations.retry_beat(customer, beat=Beat.RESTORE_NETSUITE, actor="olga", reason="yes")

    await world.eventually(lambda: "NetSuite says AUTO" in (world.beat(customer, RESTORE)["last_error"] or ""))
    assert written(world, customer) == ["ON"]
    await world.operations.retry_beat(customer, beat=Beat.RESTORE_NETSUITE, actor="olga", reason="yes, that too")
    await world.in_status(customer, "released")
    assert written(world, customer) == ["ON", "OFF"]


async def test_an_approved_repair_is_carried_out_although_a_release_was_proposed_before_it_was_obeyed(
    world: World, held: str
) -> None:
    """The answer about a decision says what is to be done; what was proposed last says nothing about it."""
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    world.set_policy(approval_undo=timedelta(seconds=3))
    await world.approve(held)
    await world.operations.request_release(held, reason="they paid", actor="robin")
    assert written(world, held) == ["ON"]

    await world.eventually(lambda: written(world, held) == ["ON", "ON"])
    await all_done(world, held)
    assert outcomes(world) == ["repaired"]
    assert world.show(held)["proposal"]["kind"] == "release"


async def test_a_decision_that_the_release_overtook_reaches_no_later_hold(world: World, held: str) -> None:
    says(world, held, "OFF")
    await check(world)
    await asked(world, held)
    world.set_policy(approval_undo=timedelta(hours=1))
    await world.approve(held)
    world.set_policy(approval_undo=timedelta(0))
    says(world, held, "ON")
    await released(world, held)
    with transaction(world.engine) as session:
        [repair] = session.scalars(select(Decision).where(Decision.effective_at > Decision.decided_at))
        assert repair.outcome == "overtaken"

    await world.start(held, reason="again")
    later = datetime.now(UTC) + timedelta(hours=2)
    with transaction(world.engine) as session:
        assert decisions.undelivered(session, now=later, resend_after=timedelta(0)) == []
