"""Outcomes through the running workflow: events come in as signals, timers fire by themselves."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from credit import outcomes
from credit.outcomes import ExceptionScope, ScheduledDate
from credit.triggers import TriggerKind
from db.engine import transaction
from db.holds import holds
from db.receivables import promises
from tests.holds.helpers import activities_run, all_done, in_force, knows, proposals_of, until
from tests.outcomes.events import Sender, operations, today
from tests.world import World
from workflows.contract import FactsChangedSignal


def proposal(world: World, customer: str) -> tuple[str, str]:
    shown = world.show(customer)["proposal"]
    return shown["kind"], shown["status"]


async def release_is(world: World, customer: str, status: str) -> None:
    await world.eventually(lambda: proposal(world, customer) == ("release", status))


async def held_for_debt(world: World) -> str:
    customer = world.customer()
    await world.start(customer, kind=TriggerKind.AR_AGING)
    await world.approve(customer)
    await all_done(world, customer)
    return customer


async def test_part_payment_then_full_payment_proposes_the_release(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    sender = Sender(world, customer)

    await sender.paid("1000.00")
    await world.eventually(lambda: "part_paid" in world.audit(customer))
    assert proposal(world, customer) == ("place", "approved")
    await sender.paid("39000.00")
    await release_is(world, customer, "open")

    assert [one["what"] for one in world.show(customer)["outcomes"]] == ["part_paid", "paid_in_full"]
    await world.approve(customer)
    await world.in_status(customer, "released")


async def test_where_the_policy_says_so_a_payment_releases_without_a_person(world: World) -> None:
    world.set_policy(auto_release_on_payment=True)
    customer = await held_for_debt(world)
    hold_id = world.show(customer)["id"]

    await Sender(world, customer).paid("40000.00")

    shown = await world.shown_in_status(hold_id, "released")
    assert (shown["netsuite"]["value"], world.customer_row(customer).entitystatus) == ("AUTO", "active")
    assert "policy auto_release_on_payment" in {event["who"] for event in shown["timeline"]}
    assert (await world.workflow(customer).result())["status"] == "released"


async def asked_and_still_held(world: World, customer: str) -> None:
    await release_is(world, customer, "open")
    shown = world.show(customer)
    assert (shown["status"], world.customer_row(customer).entitystatus) == ("in_force", "hold")
    assert "policy auto_release_on_payment" not in {event["who"] for event in shown["timeline"]}


async def test_paying_two_hundred_of_the_oldest_of_two_invoices_frees_nobody(world: World) -> None:
    world.set_policy(auto_release_on_payment=True)
    customer = world.customer(amount="200.00", days_overdue=120)
    world.owe(customer, "499800.00", days_overdue=89)
    await world.start(customer, kind=TriggerKind.AR_AGING)
    await world.approve(customer)
    await all_done(world, customer)

    await Sender(world, customer, of_several=True).paid("200.00")

    await asked_and_still_held(world, customer)
    assert [one["what"] for one in world.show(customer)["outcomes"]] == ["part_paid", "cause_gone"]


async def test_disputing_the_invoice_frees_nobody_where_disputed_ones_do_not_count(world: World) -> None:
    world.set_policy(auto_release_on_payment=True, count_disputed=False)
    customer = await held_for_debt(world)

    await Sender(world, customer).disputed()

    await world.eventually(lambda: "cause_gone" in world.audit(customer))
    await asked_and_still_held(world, customer)


async def test_moving_the_due_date_or_closing_the_invoice_unpaid_frees_nobody(world: World) -> None:
    world.set_policy(auto_release_on_payment=True)
    moved, closed = await held_for_debt(world), await held_for_debt(world)

    await Sender(world, moved).stands("40000.00", due=today(30))
    await Sender(world, closed).stands("0.00", due=today(-120))

    await asked_and_still_held(world, moved)
    await asked_and_still_held(world, closed)
    [line] = [one for one in world.show(closed)["outcomes"] if one["what"] == "paid_in_full"]
    assert line["why"].endswith("no payment or credit accounts for 40,000.00 of it, so a person decides")


async def test_a_dispute_asks_for_the_release_and_its_end_takes_that_back(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    sender = Sender(world, customer)

    await sender.disputed()
    await release_is(world, customer, "open")
    await sender.dispute_closed()
    await release_is(world, customer, "withdrawn")

    assert world.audit(customer).count("dispute_opened") == 1


@pytest.mark.parametrize("order", [("disputed", "dispute_closed", "paid"), ("paid", "disputed", "dispute_closed")])
async def test_events_of_the_same_moment_end_alike_in_any_order(
    idle_world: World, world: World, order: tuple[str, ...]
) -> None:
    customer = world.customer()
    await in_force(world, customer)
    sender = Sender(world, customer)
    for what in order:
        await (sender.paid("40000.00") if what == "paid" else getattr(sender, what)())

    await world.eventually(lambda: "paid_in_full" in world.audit(customer))
    await release_is(world, customer, "open")


async def test_an_event_and_a_decision_at_once_leave_one_end_state(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    hold_id = world.show(customer)["id"]
    sender = Sender(world, customer)
    override = operations(world).override(customer, reason="a deal with the owner", actor="mike")

    await asyncio.gather(override, sender.paid("40000.00"), sender.disputed())

    shown = await world.shown_in_status(hold_id, "released")
    assert shown["proposal"]["status"] == "approved"
    assert "overridden" in {event["what"] for event in shown["outcomes"]}


async def test_a_hundred_changes_at_once_are_a_few_looks(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    before = await activities_run(world, customer, "look_at_hold")
    signals = [
        FactsChangedSignal(id=str(number), what="payment", actor="bank", at=datetime.now(UTC)) for number in range(100)
    ]
    await asyncio.gather(*(world.workflow(customer).signal("facts_changed", one) for one in signals))
    await Sender(world, customer).paid("1000.00")
    await world.eventually(lambda: "part_paid" in world.audit(customer))

    assert await activities_run(world, customer, "look_at_hold") - before < 40


async def test_a_promise_is_broken_by_the_clock_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells the workflow: its own timer looks."""
    monkeypatch.setattr(outcomes, "LOOK_AGAIN", timedelta(seconds=1))
    customer = world.customer()
    await in_force(world, customer)
    with transaction(world.engine) as session:
        promises.make(
            session,
            customer_id=customer,
            hold_id=None,
            amount=1000,
            promised_for=today(-1),
            made_by="Pat",
            at=datetime.now(UTC) - timedelta(days=3),
        )

    await world.eventually(lambda: "promise_broken" in world.audit(customer))
    assert world.status(customer) == "in_force"


async def test_dates_and_exceptions_are_shown_and_act(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    does = operations(world)
    given = await does.add_exception(
        customer, scope=ExceptionScope.LOAD, reference="L-7", until=today(3), reason="on the road", actor="mike"
    )
    await does.set_dates(customer, {ScheduledDate.REVIEW: today(5)}, reason="quarter's end", actor="mike")
    shown = world.show(customer)
    assert [one["reference"] for one in shown["exceptions"]] == ["L-7"]
    assert (shown["review_date"], shown["end_date"]) == (today(5).isoformat(), None)
    await until(lambda: looks_next_with_the_record(world, customer))

    await does.set_dates(customer, {ScheduledDate.END: today()}, reason="agreed", actor="mike")
    await release_is(world, customer, "open")
    assert {"exception_granted", "hold_dates_set", "end_date_reached"} <= set(world.audit(customer))
    assert str(given.id) == world.show(customer)["exceptions"][0]["id"]


async def looks_next_with_the_record(world: World, customer: str) -> bool:
    with transaction(world.engine) as session:
        wanted = holds.find(session, customer).next_review_at
    state = await world.state(customer)
    return state.hold is not None and state.hold.next_look_at == wanted


async def test_a_release_proposed_after_the_holds_own_due_date_does_not_expire_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look that a timer makes proposes something new, long after the hold's own proposal was due."""
    monkeypatch.setattr(outcomes, "LOOK_AGAIN", timedelta(seconds=1))
    world.set_policy(proposal_expires_after=timedelta(seconds=5))
    customer = world.customer()
    await in_force(world, customer)
    world.set_policy(proposal_expires_after=timedelta(days=30))
    [first] = proposals_of(world, customer)
    await world.eventually(lambda: datetime.now(UTC) > first.due_at)
    with transaction(world.engine) as session:
        holds.find(session, customer).end_date = today()

    await release_is(world, customer, "open")
    await knows(world, customer, lambda state: state.waiting_on == "approver")
    looks = await activities_run(world, customer, "look_at_hold")

    async def looked_again() -> bool:
        return await activities_run(world, customer, "look_at_hold") > looks

    await until(looked_again)
    assert proposal(world, customer) == ("release", "open")


async def test_a_release_that_expired_undecided_is_asked_for_again_while_its_cause_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "LOOK_AGAIN", timedelta(seconds=1))
    customer, by_hand = world.customer(), world.customer()
    for one in (customer, by_hand):
        await in_force(world, one)
    world.set_policy(proposal_expires_after=timedelta(seconds=2))
    with transaction(world.engine) as session:
        holds.find(session, customer).end_date = today()
    await world.operations.request_release(by_hand, reason="they promised", actor="robin")

    await release_is(world, by_hand, "expired")
    await world.eventually(lambda: len(proposals_of(world, customer)) >= 3)

    _, first, second, *_ = proposals_of(world, customer)
    assert (first.kind, first.status, second.kind) == ("release", "expired", "release")
    assert second.reason == f"asked again, nobody decided: {first.reason}"
    assert len(proposals_of(world, by_hand)) == 2, "a person may ask again"
