"""One short life for each branch of the workflows. Each gives the workflow whose history is worth keeping."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowHandle

from credit import outcomes
from credit.states import MessageVerdict, Verdict
from db.engine import transaction
from db.holds import holds
from db.receivables import promises
from services.netsuite.drift import DriftOperations
from tests.holds.helpers import (
    activities_run,
    all_done,
    in_force,
    pay,
    proposals_of,
    refused,
    send,
    signal_decision,
    trigger,
    trigger_row,
    until,
    workers,
    write_decision,
)
from tests.messages.mailing import Mailing
from tests.messages.post_office import FailingServer
from tests.outcomes.events import Sender, today
from tests.replay.release_scenarios import RELEASE_SCENARIOS
from tests.world import World
from workflows.contract import (
    AR_AGING,
    AUDIT_ANCHOR,
    DRIFT_CHECK,
    RECONCILE,
    RESTORE_AGAIN,
    ArAgingInput,
    DriftCheckInput,
    Mending,
    ReconcileInput,
    RestoreAgainInput,
)

Handle = WorkflowHandle[Any, Any]
Scenario = Callable[[World], Awaitable[Handle]]
PUSH = "push_netsuite"


async def approved(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        await world.start(customer, reason="evidence of a hold in force")
    return world.workflow(customer)


async def declined(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.decline(customer)
        await world.workflow(customer).result()
    return world.workflow(customer)


async def expired(world: World) -> Handle:
    world.set_policy(proposal_expires_after=timedelta(milliseconds=1))
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.workflow(customer).result()
    return world.workflow(customer)


async def withdrawn(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.workflow(customer).cancel()
        await world.workflow(customer).result()
    return world.workflow(customer)


async def returned_then_approved(world: World) -> Handle:
    customer = world.customer(amount="40000")
    async with workers(world):
        await world.start(customer)
        pay(world, customer, "10000")
        await world.approve(customer)
        await world.eventually(lambda: len(proposals_of(world, customer)) == 2)
        await world.approve(customer)
        await all_done(world, customer)
    return world.workflow(customer)


async def revised_by_evidence(world: World) -> Handle:
    customer, again = world.customer(), trigger()
    async with workers(world):
        await world.start(customer, kind="ar_aging_tick_threshold")
        for _ in range(2):
            await send(world, customer, again)
        await world.eventually(lambda: trigger_row(world, again.id))
        await world.approve(customer)
        await all_done(world, customer)
    return world.workflow(customer)


async def outage(world: World) -> Handle:
    world.sandbox.faults(outage=True).raise_for_status()
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        await world.approve(customer)
        await world.eventually(lambda: world.beat(customer, PUSH)["attempts"] >= 2)
        await world.operations.retry_beat(customer, beat=None, actor="olga")
        world.sandbox.clear_faults()
        await all_done(world, customer)
    return world.workflow(customer)


async def needs_attention_retried(world: World) -> Handle:
    customer = world.customer(in_netsuite=False)
    async with workers(world):
        await world.start(customer)
        await world.approve(customer)
        await world.in_status(customer, "in_force")
        await world.eventually(lambda: world.beat(customer, PUSH)["status"] == "needs_attention")
        world.sandbox.seed([{"id": f"N-{customer}", "externalId": customer}]).raise_for_status()
        await world.operations.retry_beat(customer, beat=PUSH, actor="olga")
        await all_done(world, customer)
    return world.workflow(customer)


async def refused_signals(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
        for junk in ("approve", [], {"decision_id": str(uuid4())}):
            await world.workflow(customer).signal("decide", junk)
        await world.workflow(customer).signal("release_now")
        await world.eventually(lambda: len(refused(world, customer)) == 4)
    return world.workflow(customer)


async def cancel_refused(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        await world.workflow(customer).cancel(reason="tidying up")
        await world.eventually(lambda: refused(world, customer))
    return world.workflow(customer)


async def late_trigger(world: World) -> Handle:
    """The declined run, which ends by continuing as new with the trigger that came too late."""
    customer, late = world.customer(), trigger()
    async with workers(world):
        await world.start(customer)
    run = (await world.workflow(customer).describe()).run_id
    decision = write_decision(world, customer, Verdict.DECLINE)
    await send(world, customer, late)
    await signal_decision(world, customer, decision.id)
    async with workers(world):
        await world.eventually(lambda: trigger_row(world, late.id))
    return world.client.get_workflow_handle(world.workflow(customer).id, run_id=run)


async def taken_up_by_a_new_run(world: World) -> Handle:
    customer, found = world.customer(), trigger()
    async with workers(world):
        await in_force(world, customer)
        await world.workflow(customer).terminate()
        await send(world, customer, found)
        await until(lambda: beats_done(world, customer))
    return world.workflow(customer)


async def beats_done(world: World, customer: str) -> bool:
    return {beat.status for beat in (await world.state(customer)).beats.values()} == {"done"}


async def nothing_proposed(world: World) -> Handle:
    customer = f"unknown-{uuid4()}"
    async with workers(world):
        await send(world, customer, trigger(), asked=False)
        await world.workflow(customer).result()
    return world.workflow(customer)


async def message_withdrawn(world: World) -> Handle:
    mailing = Mailing(world)
    async with workers(world):
        draft = await mailing.draft()
        await mailing.handle(draft).signal("send", "now")
        await mailing.handle(draft).signal("withdraw", {})
        await world.eventually(lambda: len(mailing.audit(draft, "signal_refused")) == 2)
        mailing.end_hold(draft)
        await mailing.handle(draft).signal("withdraw", {})
        await mailing.handle(draft).result()
    return mailing.handle(draft)


async def message_discarded(world: World) -> Handle:
    mailing = Mailing(world)
    async with workers(world):
        draft = await mailing.draft()
        await mailing.says(draft, "pending review")
        await mailing.decide(draft, MessageVerdict.DISCARD)
        await mailing.handle(draft).result()
    return mailing.handle(draft)


async def message_recalled_then_sent(world: World) -> Handle:
    mailing = Mailing(world)
    async with with_mail(world), workers(world):
        mailing.cooling_off(600)
        draft = await mailing.draft()
        await mailing.approve(draft)
        await mailing.says(draft, "it waits, and can be recalled")
        await mailing.operations.recall(draft, actor="ann", reason="a wrong amount")
        await mailing.says(draft, "pending review")
        await mailing.edit(draft, body="Another text")
        mailing.cooling_off(0.2)
        await mailing.approve(draft)
        await mailing.handle(draft).result()
    return mailing.handle(draft)


async def message_refused_then_sent(world: World) -> Handle:
    mailing = Mailing(world)
    async with with_mail(world) as server, workers(world):
        mailing.cooling_off(0)
        server.rcpt_answer = "450 greylisted"
        draft = await mailing.draft()
        await mailing.approve(draft)
        await mailing.in_delivery(draft, "retrying")
        server.rcpt_answer = "550 no such mailbox"
        await mailing.in_delivery(draft, "refused")
        await mailing.waits_on(draft, "operator")
        server.rcpt_answer = "250 OK"
        await mailing.operations.retry_delivery(draft, actor="olga", reason="there is one now")
        await mailing.handle(draft).result()
    return mailing.handle(draft)


async def message_settled(world: World) -> Handle:
    mailing = Mailing(world)
    async with with_mail(world) as server, workers(world):
        mailing.cooling_off(0)
        server.lose_answers = True
        draft = await mailing.draft()
        await mailing.approve(draft)
        await mailing.in_delivery(draft, "unknown")
        await mailing.waits_on(draft, "operator")
        await mailing.operations.settle_unknown(draft, arrived=True, actor="olga", reason="asked the recipient")
        await mailing.handle(draft).result()
    return mailing.handle(draft)


@asynccontextmanager
async def with_mail(world: World) -> AsyncIterator[FailingServer]:
    """A mail server for this world's messages."""
    server = FailingServer()
    await server.start()
    world.settings = world.settings.model_copy(update={"smtp_port": server.port})
    yield server
    await server.stop()


async def ar_aging(world: World) -> Handle:
    """Two candidates, then the same again: proposed, and left out."""
    for _ in range(2):
        world.customer(in_netsuite=False)
    name = f"ar-aging-{uuid4()}"
    async with workers(world):
        for number in range(2):
            await world.client.execute_workflow(
                AR_AGING, ArAgingInput(), id=f"{name}-{number}", task_queue=world.settings.task_queue
            )
    return world.client.get_workflow_handle(f"{name}-0")


async def repaired(world: World) -> Handle:
    """NetSuite is changed by hand: asked about, declined, changed again, approved."""
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        for value, decide in (("OFF", world.decline), ("AUTO", world.approve)):
            world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": value}]).raise_for_status()
            await drift_of(world).check(actor="olga")
            await world.eventually(lambda: world.show(customer)["proposal"]["status"] == "open")
            await decide(customer)
        await world.eventually(lambda: len(world.sandbox.applied(customer)) == 2)
        await all_done(world, customer)
    return world.workflow(customer)


def drift_of(world: World) -> DriftOperations:
    return DriftOperations(world.engine, world.client, world.settings.task_queue)


async def drift_check(world: World) -> Handle:
    """One difference in a hold in force, and whatever is ON without one."""
    customer, name = world.customer(), f"netsuite-drift-{uuid4()}"
    async with workers(world):
        await in_force(world, customer)
        world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": "OFF"}]).raise_for_status()
        await world.client.execute_workflow(
            DRIFT_CHECK, DriftCheckInput(), id=name, task_queue=world.settings.task_queue
        )
    return world.client.get_workflow_handle(name)


async def restored_again(world: World) -> Handle:
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        await world.operations.request_release(customer, reason="they paid", actor="robin")
        await world.approve(customer)
        hold = await world.shown_in_status(customer, "released")
        name = f"restore-again/{hold['id']}/{uuid4()}"
        await world.client.execute_workflow(
            RESTORE_AGAIN, RestoreAgainInput(hold_id=hold["id"]), id=name, task_queue=world.settings.task_queue
        )
    return world.client.get_workflow_handle(name)


async def reconcile(world: World) -> Handle:
    name = f"reconcile-{uuid4()}"
    async with workers(world):
        await world.client.execute_workflow(
            RECONCILE, ReconcileInput(mending=Mending.LOOK), id=name, task_queue=world.settings.task_queue
        )
    return world.client.get_workflow_handle(name)


async def audit_anchor(world: World) -> Handle:
    name = f"audit-anchor-{uuid4()}"
    async with workers(world):
        await world.client.execute_workflow(AUDIT_ANCHOR, id=name, task_queue=world.settings.task_queue)
    return world.client.get_workflow_handle(name)


async def part_paid_then_paid_in_full(world: World) -> Handle:
    """Looks that only note, then one that proposes the release, which is approved and carried out."""
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        sender = Sender(world, customer)
        await sender.paid("1000.00")
        await world.eventually(lambda: "part_paid" in world.audit(customer))
        await sender.paid("39000.00")
        await world.eventually(lambda: "release_requested" in world.audit(customer))
        await world.approve(customer)
        await world.workflow(customer).result()
    return world.workflow(customer)


async def released_by_policy(world: World) -> Handle:
    """A look that finds the hold released, with nobody's decision signalled."""
    world.set_policy(auto_release_on_payment=True)
    customer = world.customer()
    async with workers(world):
        await world.start(customer, kind="ar_aging_tick_threshold")
        await world.approve(customer)
        await all_done(world, customer)
        await Sender(world, customer).paid("40000.00")
        await world.workflow(customer).result()
    return world.workflow(customer)


async def promise_broken_by_the_clock(world: World) -> Handle:
    customer = world.customer()
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(outcomes, "LOOK_AGAIN", timedelta(seconds=2))
        async with workers(world):
            await in_force(world, customer)
            with transaction(world.engine) as session:
                promises.make(
                    session,
                    customer_id=customer,
                    hold_id=None,
                    amount=Decimal(1000),
                    promised_for=today(-1),
                    made_by="Pat",
                    at=datetime.now(UTC) - timedelta(days=3),
                )
            await noted_by_a_timer(world, customer, "promise_broken")
    return world.workflow(customer)


async def end_date_reached(world: World) -> Handle:
    """The timer's own look proposes the release."""
    customer = world.customer()
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(outcomes, "LOOK_AGAIN", timedelta(seconds=2))
        async with workers(world):
            await in_force(world, customer)
            with transaction(world.engine) as session:
                holds.find(session, customer).end_date = today()
            await noted_by_a_timer(world, customer, "end_date_reached")
    return world.workflow(customer)


async def noted_by_a_timer(world: World, customer: str, what: str) -> None:
    """Wait until it is noted, and the workflow has gone on to its next look."""
    await world.eventually(lambda: what in world.audit(customer))
    looks = await activities_run(world, customer, "look_at_hold")

    async def again() -> bool:
        return await activities_run(world, customer, "look_at_hold") > looks

    await until(again)


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        approved,
        declined,
        expired,
        withdrawn,
        returned_then_approved,
        revised_by_evidence,
        outage,
        needs_attention_retried,
        refused_signals,
        cancel_refused,
        late_trigger,
        taken_up_by_a_new_run,
        nothing_proposed,
        message_withdrawn,
        message_discarded,
        message_recalled_then_sent,
        message_refused_then_sent,
        message_settled,
        ar_aging,
        reconcile,
        audit_anchor,
        repaired,
        drift_check,
        restored_again,
        part_paid_then_paid_in_full,
        released_by_policy,
        promise_broken_by_the_clock,
        end_date_reached,
        *RELEASE_SCENARIOS,
    )
}
