"""The facts are read again at the decision: a case that weakened goes back to the approver, once."""

from collections.abc import Callable

import pytest

from tests.holds.helpers import agree_plan, all_done, dispute, events, facts_of, holds_of, overdue_since, pay
from tests.holds.helpers import proposals_of as proposals
from tests.world import World


def paid_down(world: World, customer: str) -> None:
    pay(world, customer, "8000")


WEAKENED: list[tuple[Callable[[World, str], None], str]] = [
    (paid_down, "open amount fell from 40,000.00 to 32,000.00 USD"),
    (dispute, "open disputes rose from 0 to 1"),
    (agree_plan, "the customer is now on a payment plan"),
]


@pytest.mark.parametrize(("weaken", "why"), WEAKENED, ids=["paid down", "disputed", "on a plan"])
async def test_weakened_case_goes_back_once_and_the_second_approval_acts(
    world: World, weaken: Callable[[World, str], None], why: str
) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    weaken(world, customer)

    await world.approve(customer)
    await world.eventually(lambda: len(proposals(world, customer)) == 2)

    hold = world.show(customer)
    assert (hold["status"], hold["waiting_on"], hold["revision"]) == ("proposed", "approver", 2)
    assert why in hold["proposal"]["note"]
    assert world.customer_row(customer).entitystatus == "active"
    assert {beat["attempts"] for beat in hold["beats"]} == {0}

    await world.approve(customer)
    await all_done(world, customer)
    assert world.customer_row(customer).entitystatus == "hold"


async def test_returned_case_keeps_both_sets_of_facts_side_by_side(world: World) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    pay(world, customer, "8000.00")
    await world.approve(customer)
    await world.eventually(lambda: len(proposals(world, customer)) == 2)

    first, second = proposals(world, customer)

    assert (first.status, second.status, second.returns_id) == ("approved", "open", first.id)
    assert [str(facts_of(one).total_open) for one in (first, second)] == ["40000.00", "32000.00"]
    [event] = events(world, holds_of(world, customer)[0].id, "case_weakened")
    assert [event.detail[when]["total_open"] for when in ("before", "after")] == ["40000.00", "32000.00"]


async def test_case_that_weakens_again_after_its_return_is_not_returned_again(world: World) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    pay(world, customer, "8000")
    await world.approve(customer)
    await world.eventually(lambda: len(proposals(world, customer)) == 2)
    dispute(world, customer)

    await world.approve(customer)

    await world.in_status(customer, "in_force")
    assert len(proposals(world, customer)) == 2


async def test_weakened_case_that_is_declined_ends(world: World) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    pay(world, customer, "39000")

    await world.decline(customer)

    await world.in_status(customer, "declined")
    assert len(proposals(world, customer)) == 1


async def test_returned_case_can_be_declined(world: World) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    dispute(world, customer)
    await world.approve(customer)
    await world.eventually(lambda: len(proposals(world, customer)) == 2)

    await world.decline(customer)

    await world.in_status(customer, "declined")
    assert world.customer_row(customer).entitystatus == "active"


async def test_slightly_weaker_case_is_approved_straight(world: World) -> None:
    customer = world.customer(amount="40000")
    await world.start(customer)
    pay(world, customer, "7999.99")

    await world.approve(customer)

    await world.in_status(customer, "in_force")
    assert len(proposals(world, customer)) == 1


async def test_borderline_case_is_warned_about_and_approved_straight(world: World) -> None:
    customer = world.customer(amount="9000", days_overdue=10)
    await world.start(customer)
    warnings = world.show(customer)["warnings"]
    assert [warning.split(":")[0] for warning in warnings] == ["borderline", "borderline"]

    await world.approve(customer)

    await world.in_status(customer, "in_force")
    assert len(proposals(world, customer)) == 1


async def test_case_that_became_borderline_by_age_alone_is_not_weakened(world: World) -> None:
    customer = world.customer(amount="40000", days_overdue=120)
    await world.start(customer)
    overdue_since(world, customer, days=5)

    await world.approve(customer)

    await world.in_status(customer, "in_force")
