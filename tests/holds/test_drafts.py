"""Beats 2 and 3: what the drafts say and to whom, and the workflows that keep them for review. Nothing is sent."""

from uuid import UUID

import pytest
from sqlalchemy import select, update
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from credit.states import HoldStatus
from db.engine import transaction
from db.models import Customer, Hold, Message
from tests.holds.helpers import agree_plan, all_done, bill, dispute, events, holds_of, in_force, rows
from tests.world import World
from workflows.contract import message_workflow_id

Doc = dict[str, str]


def message_handle(world: World, message: Doc) -> WorkflowHandle:
    return world.client.get_workflow_handle(message_workflow_id(UUID(message["id"])))


def drafts(world: World, customer: str) -> tuple[Doc, Doc]:
    """The sales rep's message and the customer's notice."""
    by_kind = {message["kind"]: message for message in world.show(customer)["messages"]}
    return by_kind["sales_rep"], by_kind["customer_notice"]


def end(world: World, customer: str) -> None:
    """Let the record say that the customer's hold is being released: only then its drafts are withdrawn."""
    with transaction(world.engine) as session:
        session.execute(update(Hold).where(Hold.customer_id == customer).values(status=HoldStatus.RELEASING))


async def test_sales_rep_is_told_balance_days_overdue_prior_holds_and_the_next_call(world: World) -> None:
    customer = world.customer(amount="41234.50", days_overdue=121)
    await in_force(world, customer)

    rep, _ = drafts(world, customer)

    assert rep["recipient"] == world.customer_row(customer).email.replace("ap-", "rep-")
    assert "needs your call" in rep["subject"]
    lines = [" ".join(line.split()) for line in rep["body"].splitlines()]
    assert "Hello Robin Rep," in lines
    assert "AR balance 41,234.50 USD" in lines
    assert any(line.startswith("Days overdue 121") for line in lines)
    assert "Prior holds 0" in lines
    [call] = [line for line in lines if line.startswith("Recommended next call:")]
    assert "today, accounts payable" in call
    assert "I-" in call


async def test_customer_is_told_of_the_hold_and_the_three_ways_back(world: World) -> None:
    customer = world.customer(amount="41234.50", days_overdue=121)
    await in_force(world, customer)

    _, notice = drafts(world, customer)

    assert notice["recipient"] == world.customer_row(customer).email
    assert "hold" in notice["subject"].lower()
    assert "cannot accept new orders" in notice["body"]
    assert "41,234.50 USD" in notice["body"]
    assert [way for way in ("Payment:", "Payment plan:", "Dispute:") if way in notice["body"]] == [
        "Payment:",
        "Payment plan:",
        "Dispute:",
    ]


@pytest.mark.parametrize(("change", "said"), [(dispute, "open dispute"), (agree_plan, "payment plan")])
async def test_recommended_call_fits_the_case(world: World, change: object, said: str) -> None:
    customer = world.customer()
    change(world, customer)
    await in_force(world, customer)

    rep, _ = drafts(world, customer)

    assert said in rep["body"].split("Recommended next call:")[1]


async def test_drafts_say_what_is_true_when_they_are_written(world: World) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    bill(world, customer, "2000")
    await world.approve(customer)
    await all_done(world, customer)

    assert all("42,000.00 USD" in draft["body"] for draft in drafts(world, customer))


async def test_draft_without_an_address_is_still_drafted_for_review(world: World) -> None:
    customer = world.customer()
    with transaction(world.engine) as session:
        session.execute(update(Customer).where(Customer.id == customer).values(email=None, sales_rep_id=None))
    await in_force(world, customer)

    rep, notice = drafts(world, customer)

    assert (rep["recipient"], notice["recipient"]) == (None, None)
    assert rep["body"].startswith("Hello there,")


async def test_each_draft_is_pending_review_in_a_running_workflow_of_its_own(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    for message in drafts(world, customer):
        assert (message["status"], message["revision"]) == ("pending_review", 1)
        described = await message_handle(world, message).describe()
        assert (described.workflow_type, described.status) == ("OutboundMessage", WorkflowExecutionStatus.RUNNING)


async def test_drafts_outlive_the_end_of_their_holds_workflow(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    await world.workflow(customer).terminate()

    for message in drafts(world, customer):
        assert (await message_handle(world, message).describe()).status is WorkflowExecutionStatus.RUNNING


async def test_withdraw_ends_one_draft_and_leaves_the_other(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    rep, notice = drafts(world, customer)
    end(world, customer)

    await message_handle(world, notice).signal("withdraw", {})

    assert await message_handle(world, notice).result() == "withdrawn"
    assert [draft["status"] for draft in drafts(world, customer)] == ["pending_review", "withdrawn"]
    assert rows(world, select(Message.closed_at).where(Message.id == UUID(notice["id"]))) != [None]
    assert (await message_handle(world, rep).describe()).status is WorkflowExecutionStatus.RUNNING


async def test_meaningless_signals_to_a_draft_are_audited_on_its_hold_and_change_nothing(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    _, notice = drafts(world, customer)
    handle = message_handle(world, notice)

    await handle.signal("send", {"now": True})
    await handle.signal("withdraw", [])
    await handle.signal("n" * 900)
    hold = holds_of(world, customer)[0].id
    await world.eventually(lambda: len(events(world, hold, "signal_refused")) == 3)

    assert drafts(world, customer)[1]["status"] == "pending_review"
    end(world, customer)
    await handle.signal("withdraw", {})
    assert await handle.result() == "withdrawn"
