"""Proposals that nobody decides: they expire, or somebody withdraws them in Temporal; a decision's row wins."""

from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus

from credit.states import Verdict
from credit.triggers import TriggerKind
from tests.holds.helpers import (
    activities_run,
    attributes,
    holds_of,
    in_force,
    pay,
    refused,
    send,
    signal_decision,
    status_of,
    trigger,
    trigger_row,
    until,
    workers,
    write_decision,
)
from tests.world import World

MOMENT = timedelta(milliseconds=50)


async def expiry_tried(world: World, customer: str) -> None:
    await until(lambda: activities_run(world, customer, "close_proposal"))


async def test_undecided_proposal_expires(world: World) -> None:
    world.set_policy(proposal_expires_after=MOMENT)
    customer = world.customer()
    await world.start(customer)

    outcome = await world.workflow(customer).result()

    assert outcome["status"] == "expired"
    hold = world.show(customer)
    assert (hold["status"], hold["proposal"]["status"]) == ("expired", "expired")
    assert world.customer_row(customer).entitystatus == "active"
    assert "hold_expired" in world.audit(customer)
    shown = await attributes(world, customer)
    assert (shown["HoldStatus"], shown["WaitingOn"]) == ("expired", "nobody")


async def test_expired_hold_does_not_snooze_automatic_triggers(world: World) -> None:
    world.set_policy(proposal_expires_after=MOMENT)
    customer = world.customer()
    await world.start(customer)
    await world.in_status(customer, "expired")

    assert (await world.start(customer, kind=TriggerKind.AR_AGING)).created


async def test_expiry_loses_against_a_decision_written_before_it(world: World) -> None:
    world.set_policy(proposal_expires_after=MOMENT)
    customer = world.customer()
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)
    await expiry_tried(world, customer)
    assert world.show(customer)["status"] == "proposed"

    await signal_decision(world, customer, decision.id)

    await world.in_status(customer, "in_force")


async def test_proposal_that_came_back_after_its_due_date_expires_in_its_turn(world: World) -> None:
    world.set_policy(proposal_expires_after=MOMENT)
    customer = world.customer(amount="40000")
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)
    await expiry_tried(world, customer)
    pay(world, customer, "30000")

    await signal_decision(world, customer, decision.id)

    await world.in_status(customer, "expired")


async def test_cancelling_in_temporal_withdraws_a_proposal(world: World) -> None:
    customer = world.customer()
    await world.start(customer)

    await world.workflow(customer).cancel()

    outcome = await world.workflow(customer).result()
    assert outcome["status"] == "withdrawn"
    assert world.show(customer)["status"] == "withdrawn"
    assert "hold_withdrawn" in world.audit(customer)
    shown = await attributes(world, customer)
    assert (shown["HoldStatus"], shown["WaitingOn"]) == ("withdrawn", "nobody")
    assert (await world.start(customer, kind=TriggerKind.AR_AGING)).created  # nor does a withdrawal snooze


async def test_cancelling_loses_against_a_decision_written_before_it_and_is_audited(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)

    await world.workflow(customer).cancel()
    await world.eventually(lambda: refused(world, customer))
    await signal_decision(world, customer, decision.id)

    await world.in_status(customer, "in_force")


async def test_cancelling_does_not_end_an_approved_hold_and_is_audited(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    await world.workflow(customer).cancel(reason="tidying up")
    await world.eventually(lambda: refused(world, customer))

    [event] = refused(world, customer)
    assert (event.detail["signal"], event.detail["content"]) == ("cancel", "tidying up")
    assert await status_of(world, customer) is WorkflowExecutionStatus.RUNNING
    assert (await world.state(customer)).status == "in_force"


async def test_cancel_that_waits_with_the_first_trigger_withdraws_its_proposal(idle_world: World) -> None:
    world = idle_world
    customer = world.customer()
    first = trigger()
    await send(world, customer, first)
    await world.workflow(customer).cancel()

    async with workers(world):
        assert (await world.workflow(customer).result())["status"] == "withdrawn"

    [hold] = holds_of(world, customer)
    assert (hold.status, trigger_row(world, first.id).hold_id) == ("withdrawn", hold.id)
