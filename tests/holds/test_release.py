"""The way out: a release is proposed, decided like everything else, and takes back what the beats did."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from credit.states import EntityStatus, Verdict
from db import customers
from db.engine import transaction
from db.errors import NothingToReleaseError, StaleRevisionError
from db.models import ReflexionLog, ReleaseRequest
from tests.holds.helpers import (
    all_done,
    ask_release,
    facts_of,
    knows,
    proposals_of,
    rows,
    shows,
    signals,
    status_of,
    until,
)
from tests.outcomes.events import Sender
from tests.world import World
from workflows.contract import ReleaseSignal, message_workflow_id


@pytest.fixture
async def held(world: World) -> str:
    """A customer whose hold is in force, every beat done."""
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    await all_done(world, customer)
    return customer


async def ask(world: World, customer: str, reason: str = "they paid") -> None:
    await world.operations.request_release(customer, reason=reason, actor="robin")


async def released(world: World, customer: str) -> Any:
    await ask(world, customer)
    await world.approve(customer)
    return await world.shown_in_status(customer, "released")


def written(world: World, customer: str) -> list[Any]:
    return [row["body"]["creditHoldOverride"]["id"] for row in world.sandbox.ledger(f"N-{customer}") if row["applied"]]


async def test_a_released_customer_is_as_it_was_before(world: World, held: str) -> None:
    shown = await released(world, held)

    assert world.customer_row(held).entitystatus == "active"
    assert (shown["netsuite"]["prior"], shown["netsuite"]["value"]) == ("AUTO", "AUTO")
    assert written(world, held) == ["ON", "AUTO"]
    assert [beat["status"] for beat in shown["release_beats"]] == ["done"] * 4
    assert shown["waiting_on"] == "nobody"
    events = [row.event for row in rows(world, select(ReflexionLog).where(ReflexionLog.hold_id == shown["id"]))]
    assert events == ["in_force", "released"]
    drafts = {message["kind"]: message["status"] for message in shown["messages"]}
    assert drafts["sales_rep_release"] == drafts["release_notice"] == "pending_review"
    assert {"release_requested", "customer_unflagged", "hold_released"} <= set(world.audit(held))
    await until(lambda: is_closed(world, held))


async def test_a_draft_whose_workflow_is_gone_is_withdrawn_with_its_hold(world: World, held: str) -> None:
    drafts = [one["id"] for one in world.show(held)["messages"]]
    for draft in drafts:
        await world.client.get_workflow_handle(message_workflow_id(UUID(draft))).terminate("by accident")

    shown = await released(world, held)

    status = {one["id"]: one["status"] for one in shown["messages"]}
    assert [status[draft] for draft in drafts] == ["withdrawn", "withdrawn"]
    assert shown["messages"][-1]["status"] == "pending_review", "what tells of the release stays"


async def test_a_flag_that_somebody_else_set_meanwhile_is_not_taken_back_with_the_hold(world: World, held: str) -> None:
    """What was left out is told by its step, not by the flag."""
    world.sandbox.faults(outage=True).raise_for_status()
    await ask(world, held)
    await world.approve(held)
    await world.eventually(lambda: world.beat(held, "unflag_customer")["status"] == "done")
    with transaction(world.engine) as session:
        customers.set_entitystatus(session, held, EntityStatus.HOLD, datetime.now(UTC))
    world.sandbox.clear_faults()

    await world.in_status(held, "released")

    assert world.customer_row(held).entitystatus == "hold"


async def is_closed(world: World, customer: str) -> bool:
    status = await status_of(world, customer)
    return status is not None and status.name == "COMPLETED"


async def test_nothing_is_taken_back_before_the_release_is_approved(world: World, held: str) -> None:
    await ask(world, held)

    shown = world.show(held)
    assert (shown["status"], shown["waiting_on"], shown["proposal"]["kind"]) == ("in_force", "approver", "release")
    assert shown["revision"] == 2
    assert world.customer_row(held).entitystatus == "hold"
    await shows(world, held, HoldStatus="in_force", WaitingOn="approver")


async def test_facts_that_moved_make_an_approval_of_the_release_stale(world: World, held: str) -> None:
    await ask(world, held)
    claim, shown = await world.operations.claim(held, actor="mike")
    await Sender(world, held).paid("5000.00")
    await world.eventually(lambda: world.show(held)["revision"] == 3)

    with pytest.raises(StaleRevisionError):
        await world.operations.decide(
            held, claim_id=claim.id, revision=shown.revision, verdict=Verdict.APPROVE, reason="they paid", actor="mike"
        )

    proposal = proposals_of(world, held)[-1]
    assert (proposal.kind, proposal.status, facts_of(proposal).total_open) == ("release", "open", 35000)
    await knows(world, held, lambda state: state.hold is not None and state.hold.revision == 3)
    await world.approve(held)
    await world.in_status(held, "released")


async def test_a_declined_release_leaves_the_hold_in_force_and_can_be_asked_for_again(world: World, held: str) -> None:
    await ask(world, held)
    await world.decline(held)
    await shows(world, held, HoldStatus="in_force", WaitingOn="nobody")
    assert world.customer_row(held).entitystatus == "hold"

    await released(world, held)


async def test_an_undecided_release_expires_and_the_hold_stays(world: World, held: str) -> None:
    world.set_policy(proposal_expires_after=timedelta(seconds=1))
    await ask(world, held)

    await world.eventually(lambda: world.show(held)["proposal"]["status"] == "expired")

    assert (world.status(held), world.show(held)["waiting_on"]) == ("in_force", "nobody")
    assert "release_expired" in world.audit(held)
    world.set_policy(proposal_expires_after=timedelta(days=1))
    await released(world, held)


async def test_drafts_that_were_not_sent_are_withdrawn(world: World, held: str) -> None:
    shown = await released(world, held)

    def withdrawn() -> bool:
        drafts = {message["kind"]: message["status"] for message in world.show(shown["id"])["messages"]}
        return drafts["sales_rep"] == drafts["customer_notice"] == "withdrawn"

    await world.eventually(withdrawn)


async def test_a_release_during_an_outage_stops_the_push_and_waits_for_netsuite(world: World) -> None:
    customer = world.customer()
    world.sandbox.faults(outage=True)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await ask(world, customer)
    await world.approve(customer)

    await world.eventually(lambda: beat(world, customer, "restore_netsuite")["status"] == "retrying")
    assert (world.status(customer), world.show(customer)["waiting_on"]) == ("releasing", "netsuite")
    assert world.customer_row(customer).entitystatus == "active"
    world.sandbox.clear_faults()
    await world.operations.retry_beat(customer, beat=None, actor="robin")
    shown = await world.shown_in_status(customer, "released")
    assert written(world, customer) == []
    assert world.beat(shown["id"], "push_netsuite")["status"] == "skipped"


def beat(world: World, customer: str, name: str) -> Any:
    return next((row for row in world.show(customer)["release_beats"] if row["beat"] == name), {"status": None})


async def test_a_value_that_somebody_changed_meanwhile_is_asked_about(world: World, held: str) -> None:
    world.sandbox.seed([{"id": f"N-{held}", "externalId": held, "companyName": held, "creditHoldOverride": "OFF"}])
    await ask(world, held)
    await world.approve(held)

    await world.eventually(lambda: beat(world, held, "restore_netsuite")["status"] == "needs_attention")
    assert "NetSuite says OFF" in beat(world, held, "restore_netsuite")["last_error"]
    assert world.show(held)["waiting_on"] == "operator"
    await world.operations.retry_beat(held, beat=None, actor="mike", reason="write it back")
    await world.in_status(held, "released")
    assert written(world, held) == ["ON", "AUTO"]


async def sent_twice(world: World, customer: str) -> bool:
    return await signals(world, customer, "trigger") == 2


async def test_a_trigger_during_a_release_makes_a_fresh_proposal_afterwards(world: World, held: str) -> None:
    world.sandbox.faults(outage=True)
    await ask(world, held)
    await world.approve(held)
    await world.in_status(held, "releasing")
    old = world.show(held)["id"]
    again = asyncio.create_task(world.start(held, "they bounced a cheque"))
    await until(lambda: sent_twice(world, held))
    world.sandbox.clear_faults()
    await world.operations.retry_beat(held, beat=None, actor="robin")

    started = await again
    assert started.created
    assert str(started.hold_id) != old
    assert world.status(old) == "released"
    assert world.show(held)["facts"]["prior_holds"] == 1


async def test_only_an_approved_hold_can_be_released(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    with pytest.raises(NothingToReleaseError, match="proposed"):
        await ask(world, customer)

    ask_release(world, customer, "r1")
    await world.workflow(customer).signal("request_release", signal())
    await world.eventually(lambda: "release_refused" in world.audit(customer))
    assert world.show(customer)["proposal"]["kind"] == "place"


def signal(request_id: str = "r1") -> dict[str, str]:
    return {"id": request_id, "reason": "raw", "actor": "somebody", "at": "2026-11-21T12:00:00Z"}


async def test_a_request_delivered_twice_is_one_and_a_second_reason_joins_the_proposal(world: World, held: str) -> None:
    for request_id in ("r1", "r2"):
        ask_release(world, held, request_id)
    for request_id in ("r1", "r1", "r2"):
        await world.workflow(held).signal("request_release", signal(request_id))
    await world.eventually(lambda: world.audit(held).count("release_requested") == 2)

    [first, second] = rows(world, select(ReleaseRequest).order_by(ReleaseRequest.id))
    assert first.proposal_id == second.proposal_id
    assert world.show(held)["revision"] == 2


async def test_two_requests_at_once_and_one_decision_each_way(world: World, held: str) -> None:
    await asyncio.gather(ask(world, held, "a"), ask(world, held, "b"))
    await world.decide(held, Verdict.APPROVE)
    await world.in_status(held, "released")
    assert written(world, held) == ["ON", "AUTO"]


def test_a_request_without_a_reason_is_not_one() -> None:
    with pytest.raises(ValueError, match="reason"):
        ReleaseSignal.model_validate(signal() | {"reason": ""})
