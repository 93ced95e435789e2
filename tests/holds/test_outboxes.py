"""Temporal's word is not the effect: a signal that it took, and that came to nothing, is sent again and counts once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from credit.credit_limit import LimitCause
from credit.states import MessageVerdict, Verdict
from db import gauges, outbox
from db.act import Act, acting
from db.engine import transaction
from db.freight import accounting_profiles, credit_limits
from db.holds import decisions
from db.holds.awaiting import NoWorkerError
from db.models import (
    Decision,
    Hold,
    HoldRequest,
    HoldTrigger,
    InboundEvent,
    LimitTransition,
    Message,
    NetSuiteDrift,
    OrgSettings,
    ReleaseRequest,
)
from services import outboxes
from services.holds.operations import Operations
from services.messages.operations import MessageOperations
from services.receivables.dispute import DisputeOpened
from services.receivables.health_prediction import HealthPrediction
from services.receivables.inbound import Delivery, InboundEvents, write
from services.receivables.payment import PaymentReceived
from services.relay import NotToldError
from tests.credit_hold.test_hold_life import nobody
from tests.drift import helpers as netsuite
from tests.events.conftest import dispute, payment, prediction
from tests.holds.helpers import (
    all_done,
    ask,
    ask_release,
    events,
    holds_of,
    in_force,
    proposals_of,
    rows,
    trigger,
    workers,
    write_decision,
)
from tests.holds.helpers import dispute as disputed_before
from tests.holds.test_relay import RESEND, a_way_to_temporal, relaying
from tests.world import World, invoice
from workflows.contract import restore_again_prefix
from workflows.starting import start_hold_workflow

SOON = timedelta(seconds=0.2)


async def lose(world: World, customer: str) -> None:
    """End the hold's workflow, with all that Temporal has taken for it and no worker has acted on."""
    await world.workflow(customer).terminate("lost")


async def proposed(world: World, customer: str) -> None:
    await world.eventually(lambda: [hold.status for hold in holds_of(world, customer)] == ["proposed"])


def inbound(world: World) -> InboundEvents:
    return InboundEvents(world.engine, world.client, world.settings.task_queue)


def requested(world: World) -> HoldRequest:
    [row] = rows(world, select(HoldRequest).where(HoldRequest.handled_at.is_(None)))
    return row  # type: ignore[no-any-return]


async def ended(world: World, row: type[HoldRequest | InboundEvent]) -> None:
    await world.eventually(lambda: not rows(world, select(row.id).where(row.handled_at.is_(None))))


async def test_lost_trigger_is_sent_again(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    with pytest.raises(NoWorkerError):
        await world.start(customer, wait=SOON)
    await lose(world, customer)
    assert requested(world).tried_at is not None

    async with workers(world), relaying(world):
        await proposed(world, customer)
        await ended(world, HoldRequest)

    [arrived] = rows(world, select(HoldTrigger).where(HoldTrigger.customer_id == customer))
    assert (arrived.opened, arrived.actor, len(proposals_of(world, customer))) == (True, "robin", 1)


async def test_lost_request_for_a_release_is_sent_again(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await in_force(world, customer)
    with pytest.raises(NoWorkerError):
        await world.operations.request_release(customer, reason="they paid", actor="ann", wait=SOON)
    await lose(world, customer)

    async with workers(world), relaying(world):
        await world.eventually(lambda: world.show(customer)["proposal"]["kind"] == "release")
        await ended(world, HoldRequest)

    [arrived] = rows(world, select(ReleaseRequest))
    assert (arrived.actor, arrived.reason) == ("ann", "they paid")


async def test_lost_trigger_of_an_event_is_sent_again(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    disputed_before(world, customer)
    told = HealthPrediction.model_validate(prediction(customer))
    await inbound(world).take(Delivery("test", "e1"), told)
    await lose(world, customer)

    async with workers(world), relaying(world):
        await proposed(world, customer)
        await ended(world, InboundEvent)

    assert len(rows(world, select(HoldTrigger))) == 1


async def test_lost_wish_of_an_event_for_a_release_is_sent_again(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await in_force(world, customer)
    told = DisputeOpened.model_validate(dispute(customer, world.owe(customer, "10", days_overdue=1)))
    await inbound(world).take(Delivery("test", "e1"), told)
    await lose(world, customer)

    async with workers(world), relaying(world):
        await world.eventually(lambda: world.show(customer)["proposal"]["kind"] == "release")
        await ended(world, InboundEvent)

    assert [one.cause for one in rows(world, select(ReleaseRequest))] == ["dispute"]


async def test_hold_looks_at_changed_facts_although_the_first_call_was_lost(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await in_force(world, customer)
    told = PaymentReceived.model_validate(payment(customer, "40000.00"))
    await inbound(world).take(Delivery("test", "e1"), told)
    await lose(world, customer)
    [event] = rows(world, select(InboundEvent))
    assert holds_of(world, customer)[0].situation["noted"] < event.noted

    async with workers(world), relaying(world):
        await ended(world, InboundEvent)

    [hold] = holds_of(world, customer)
    assert hold.situation["noted"] >= event.noted
    assert Decimal(hold.situation["facts"]["total_open"]) == 0
    assert len(rows(world, select(ReleaseRequest))) == 1, "what follows from a payment in full, once"


async def test_lost_trigger_of_a_crossed_limit_is_sent_again(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    now = datetime.now(UTC)
    with transaction(world.engine) as session:
        session.execute(update(OrgSettings).values(auto_apply_credit_hold=True))
        accounting_profiles.set_limit(Act(session, "robin", now), customer, Decimal(50000))
        session.add(invoice(f"L-{customer}", customer, date(2030, 1, 1), "21200"))
        credit_limits.evaluate(Act(session, "erp", now), [customer], cause=LimitCause.INVOICE)

    def crossed() -> LimitTransition:
        [row] = rows(world, select(LimitTransition))
        return row  # type: ignore[no-any-return]

    async with relaying(world):
        await world.eventually(lambda: crossed().tried_at)
    await lose(world, customer)
    assert crossed().proposed_at is None

    async with workers(world), relaying(world):
        await proposed(world, customer)
        await world.eventually(lambda: crossed().proposed_at)

    assert [one.id for one in rows(world, select(HoldTrigger))] == [f"limit/{crossed().id}"]


async def test_lost_repair_of_a_released_hold_is_begun_again(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await in_force(world, customer)
        await netsuite.released(world, customer)
        netsuite.says(world, customer, "ON")
        await netsuite.check(world)
    hold_id = await netsuite.operations(world).repair(customer, actor="mike", reason="set by mistake")
    [order] = rows(world, select(NetSuiteDrift).where(NetSuiteDrift.outcome == "repaired"))
    await world.client.get_workflow_handle(f"{restore_again_prefix(hold_id)}{order.id}").terminate("lost")

    async with workers(world), relaying(world):
        await world.eventually(lambda: world.show(customer)["release_beats"][-1]["status"] == "done")
        await world.eventually(lambda: netsuite.written(world, customer) == ["ON", "AUTO", "AUTO"])

    with transaction(world.engine) as session:
        open_again = outboxes.repairs("").undelivered(session, now=later(), resend_after=RESEND)
    assert open_again == []


async def test_repair_ordered_while_temporal_is_away_stands(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    await netsuite.released(world, customer)
    netsuite.says(world, customer, "ON")
    await netsuite.check(world)
    operations = netsuite.DriftOperations(world.engine, await nobody(), world.settings.task_queue)

    await operations.repair(customer, actor="mike", reason="set by mistake")

    async with relaying(world):
        await world.eventually(lambda: netsuite.written(world, customer) == ["ON", "AUTO", "AUTO"])


async def test_lost_decision_is_obeyed_by_the_run_that_follows(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await world.start(customer)
    decided = await world.approve(customer)
    assert decided.delivered
    await lose(world, customer)
    await start_hold_workflow(world.client, world.settings.task_queue, customer)  # what a reconcile does

    async with workers(world), relaying(world):
        await all_done(world, customer)

    assert len(events(world, decided.id, "hold_in_force")) == 1


# --- what ends a row without its effect --------------------------------------------------------------------------


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def waiting(world: World, outbox: outboxes.Outbox[HoldRequest] | outboxes.Outbox[InboundEvent]) -> list[str]:
    """What is left of an outbox, however lately it was tried."""
    with transaction(world.engine) as session:
        outbox.end(session, datetime.now(UTC))
        return [row.id for row in outbox.undelivered(session, now=later(), resend_after=RESEND)]


async def test_trigger_that_is_turned_away_is_sent_no_more(world: World) -> None:
    customer = world.customer()
    disputed_before(world, customer)
    await world.start(customer)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    told = HealthPrediction.model_validate(prediction(customer))

    await inbound(world).take(Delivery("test", "e1"), told)

    await world.eventually(lambda: len(rows(world, select(HoldTrigger))) == 2)
    assert rows(world, select(HoldTrigger.refusal).where(HoldTrigger.hold_id.is_(None))) != [None]
    assert waiting(world, outboxes.told_from_outside("")) == []
    assert waiting(world, outboxes.requested("")) == []


async def test_nothing_is_told_to_a_hold_that_is_over(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await in_force(world, customer)
    for name, body in (
        ("e1", PaymentReceived.model_validate(payment(customer, "10.00"))),
        ("e2", DisputeOpened.model_validate(dispute(customer, world.owe(customer, "9", days_overdue=1)))),
    ):
        await acting(world.engine, "test", write, Delivery("test", name), body)  # and tell nobody
    ask_release(world, customer, "r1")
    assert waiting(world, outboxes.told_from_outside("")) == ["e1", "e2"]
    assert waiting(world, outboxes.requested("")) == ["r1"]
    with transaction(world.engine) as session:
        counted = gauges.read(session, datetime.now(UTC)).outboxes
    assert counted == {"decision": 0, "message_decision": 0, "request": 1, "event": 2, "crossed_limit": 0}

    with transaction(world.engine) as session:
        session.execute(update(Hold).values(status="released", closed_at=datetime.now(UTC)))

    assert waiting(world, outboxes.told_from_outside("")) == []
    assert waiting(world, outboxes.requested("")) == []


async def test_changed_facts_of_a_proposed_hold_have_nothing_to_wait_for(idle_world: World) -> None:
    """Its approval looks for itself."""
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await world.start(customer)
    body = PaymentReceived.model_validate(payment(customer, "10.00"))
    await acting(world.engine, "test", write, Delivery("test", "e1"), body)

    assert waiting(world, outboxes.told_from_outside("")) == []


async def test_hold_that_is_being_released_is_sent_a_trigger_once(idle_world: World) -> None:
    """It keeps it for the proposal after the release, which may take as long as NetSuite is away."""
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await in_force(world, customer)
    asked = trigger()
    ask(world, customer, asked)
    with transaction(world.engine) as session:
        session.execute(update(Hold).values(status="releasing"))
    assert waiting(world, outboxes.requested("")) == [asked.id]

    with transaction(world.engine) as session:
        session.execute(update(HoldRequest).values(tried_at=datetime.now(UTC)))
    assert waiting(world, outboxes.requested("")) == []

    with transaction(world.engine) as session:
        session.execute(update(Hold).values(status="released", closed_at=datetime.now(UTC)))
    assert waiting(world, outboxes.requested("")) == [asked.id]


async def test_no_more_than_a_page_of_crossed_limits_is_under_way(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    crossed = {"customer_id": customer, "after": "exceeded", "exposure": 1, "cause": "import", "actor": "erp"}
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with transaction(world.engine) as session:
        session.add_all(
            LimitTransition(**crossed, at=long_ago, applied=True, lifted=False) for _ in range(outbox.PAGE + 20)
        )
    crossings, now = outboxes.crossed_limits(""), datetime.now(UTC)
    with transaction(world.engine) as session:
        first = crossings.undelivered(session, now=now, resend_after=RESEND)
        for row in first:
            crossings.note_tried(session, row, now)
        assert crossings.undelivered(session, now=now + timedelta(seconds=9), resend_after=RESEND) == []
        later_on = crossings.undelivered(session, now=now + timedelta(seconds=11), resend_after=RESEND)
    assert len(first) == outbox.PAGE
    assert {one.id for one in later_on[:20]}.isdisjoint({one.id for one in first}), "those that wait come first"


async def test_the_wait_between_two_tries_grows_up_to_a_minute(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer()
    async with workers(world):
        await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)

    def sent_again(after: timedelta, tried: timedelta) -> bool:
        """Whether a decision of this age, tried at that age, is sent now."""
        with transaction(world.engine) as session:
            session.execute(update(Decision).values(sent_at=decision.effective_at + tried))
            now = decision.effective_at + after
            return bool(decisions.undelivered(session, now=now, resend_after=timedelta(seconds=2)))

    seconds = [(1.5, 0), (2.5, 0), (7, 4), (9, 4), (359, 300), (361, 300)]
    found = [sent_again(timedelta(seconds=age), timedelta(seconds=tried)) for age, tried in seconds]
    assert found == [False, True] * 3


# --- one patience ------------------------------------------------------------------------------------------------


async def test_whoever_asks_while_temporal_is_away_is_told_soon_that_it_is_kept(world: World) -> None:
    customer = world.customer()
    async with a_way_to_temporal(world) as cut:
        pass
    asking = Operations(world.engine, cut, world.settings.task_queue)

    with pytest.raises(NotToldError, match="no need to ask again"):
        await asking.start_hold(customer, reason="trouble", actor="robin")

    async with relaying(world):
        await proposed(world, customer)


async def test_nobody_waits_longer_than_the_patience(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Temporal that takes connections and never answers: each of the four who write is answered all the same."""
    monkeypatch.setattr("services.relay.PATIENCE", 0.2)
    held, message_hold = world.customer(), world.customer()
    await world.start(held)
    await in_force(world, message_hold)
    async with silent_temporal() as client:
        queue = world.settings.task_queue
        asking = Operations(world.engine, client, queue)
        claim, proposal = await asking.claim(held, actor="mike")
        decided = await asking.decide(
            held,
            claim_id=claim.id,
            revision=proposal.revision,
            verdict=Verdict.APPROVE,
            reason="as discussed",
            actor="mike",
        )
        mails = MessageOperations(world.engine, client)
        [message, *_] = rows(world, select(Message).where(Message.recipient.is_not(None)))
        of_message, _ = await mails.claim(message.id, actor="mike")
        of_mail = await mails.decide(
            message.id,
            claim_id=of_message.id,
            revision=message.revision,
            verdict=MessageVerdict.DISCARD,
            reason="not now",
            actor="mike",
        )
        told = PaymentReceived.model_validate(payment(held, "10.00"))
        taken = await InboundEvents(world.engine, client, queue).take(Delivery("test", "e1"), told)
        with pytest.raises(NotToldError):
            await asking.start_hold(world.customer(), reason="trouble", actor="robin")
    assert (decided.delivered, of_mail.delivered, taken.outcome) == (False, False, "recorded")


@asynccontextmanager
async def silent_temporal() -> AsyncIterator[Client]:
    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter, lazy=True)
    over.set()
    server.close()
