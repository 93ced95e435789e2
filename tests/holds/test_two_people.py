"""Who may approve what, and for how long an approval can be taken back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from credit.states import Verdict
from db.errors import NothingToDecideError, SecondApproverError, SelfApprovalError, StaleRevisionError, TooLateError
from services.holds.outcomes import OutcomeOperations
from tests.holds.helpers import holds_of, in_force, knows, workers
from tests.world import World


async def decide(world: World, customer: str, actor: str, **how: Any) -> Any:
    claim, proposal = await world.operations.claim(customer, actor=actor)
    values = {"revision": proposal.revision, "verdict": Verdict.APPROVE, "reason": "as discussed", "actor": actor}
    return await world.operations.decide(customer, claim_id=claim.id, **(values | how))


async def test_who_asked_for_a_hold_may_be_barred_from_approving_it(world: World) -> None:
    world.set_policy(bar_self_approval=True)
    customer = world.customer()
    await world.start(customer)

    with pytest.raises(SelfApprovalError, match="robin asked"):
        await decide(world, customer, "robin")

    assert world.status(customer) == "proposed"
    await world.operations.release_claim((await world.operations.claim(customer, actor="robin"))[0].id, actor="robin")
    await decide(world, customer, "mike")
    await world.in_status(customer, "in_force")


async def test_the_bar_is_off_by_default_never_stops_an_admin_and_allows_to_decline(world: World) -> None:
    free, barred, declined = (world.customer() for _ in range(3))
    for customer in (free, barred, declined):
        await world.start(customer)
    await decide(world, free, "robin")
    world.set_policy(bar_self_approval=True)
    await decide(world, barred, "robin", is_admin=True)
    await decide(world, declined, "robin", verdict=Verdict.DECLINE)
    for customer, status in ((free, "in_force"), (barred, "in_force"), (declined, "declined")):
        await world.in_status(customer, status)


async def test_above_the_amount_two_people_have_to_approve(world: World) -> None:
    world.set_policy(second_approver_above=Decimal(30000))
    customer = world.customer(amount="40000")
    await world.start(customer)

    first = await decide(world, customer, "mike")

    assert (first.decision_id, first.status) == (None, "awaiting_second_approver")
    assert world.show(customer)["proposal"]["first_approval_by"] == "mike"
    assert world.show(customer)["proposal"]["claimed_by"] is None
    with pytest.raises(SecondApproverError, match="mike approved"):
        await decide(world, customer, "mike")
    assert world.status(customer) == "proposed"
    await world.operations.release_claim((await world.operations.claim(customer, actor="mike"))[0].id, actor="mike")
    await decide(world, customer, "anna")
    await world.in_status(customer, "in_force")
    assert world.audit(customer).count("proposal_approved") == 1


async def test_a_first_approval_does_not_count_for_another_revision(world: World) -> None:
    world.set_policy(second_approver_above=Decimal(30000))
    customer = world.customer(amount="40000")
    await world.start(customer)
    await decide(world, customer, "mike")
    world.owe(customer, "20000", days_overdue=30)
    await world.start(customer, "more came due")
    await world.eventually(lambda: world.show(customer)["revision"] == 2)

    with pytest.raises(StaleRevisionError):
        await decide(world, customer, "anna", revision=1)
    await world.operations.release_claim((await world.operations.claim(customer, actor="anna"))[0].id, actor="anna")

    assert (await decide(world, customer, "anna")).decision_id is None
    await decide(world, customer, "mike")
    await world.in_status(customer, "in_force")


async def test_at_the_amount_one_person_is_enough_and_declining_takes_one(world: World) -> None:
    world.set_policy(second_approver_above=Decimal(40000))
    at, above = world.customer(amount="40000"), world.customer(amount="40000.01")
    for customer in (at, above):
        await world.start(customer)
    await decide(world, at, "mike")
    await decide(world, above, "mike", verdict=Verdict.DECLINE)
    await world.in_status(at, "in_force")
    await world.in_status(above, "declined")


async def test_an_approval_taken_back_in_time_leaves_no_trace_at_the_customer(world: World) -> None:
    world.set_policy(approval_undo=timedelta(seconds=2))
    customer = world.customer()
    await world.start(customer)
    await decide(world, customer, "mike")
    assert world.show(customer)["proposal"]["undo_until"] is not None

    reopened = await world.operations.undo(customer, actor="mike", reason="wrong customer")

    assert (reopened.status, reopened.revision) == ("proposed", 2)
    await knows(world, customer, lambda state: state.hold is not None and state.hold.revision == 2)
    shown = world.show(customer)
    assert (shown["status"], shown["messages"]) == ("proposed", [])
    assert world.customer_row(customer).entitystatus == "active"
    assert "approval_undone" in world.audit(customer)
    world.set_policy(approval_undo=timedelta(0))
    await decide(world, customer, "mike")
    await world.in_status(customer, "in_force")


async def test_nothing_is_done_before_the_time_to_take_it_back_is_over(world: World) -> None:
    world.set_policy(approval_undo=timedelta(seconds=1.5))
    customer = world.customer()
    await world.start(customer)
    await decide(world, customer, "mike")
    before = world.show(customer)
    await world.in_status(customer, "in_force")
    after = world.show(customer)
    assert (before["status"], before["beats"][0]["status"]) == ("proposed", "pending")
    assert after["in_force_at"] > before["proposal"]["undo_until"]
    with pytest.raises(TooLateError, match="took effect"):
        await world.operations.undo(customer, actor="mike", reason="too late")


async def test_an_approval_waits_out_its_time_while_the_worker_is_away(idle_world: World) -> None:
    idle_world.set_policy(approval_undo=timedelta(seconds=1))
    customer = idle_world.customer()
    async with workers(idle_world):
        await idle_world.start(customer)
    await decide(idle_world, customer, "mike")
    async with workers(idle_world):
        await idle_world.in_status(customer, "in_force")
    [hold] = holds_of(idle_world, customer)
    assert hold.in_force_at


async def test_only_an_approval_can_be_taken_back(world: World) -> None:
    world.set_policy(approval_undo=timedelta(minutes=1))
    proposed, declined = world.customer(), world.customer()
    for customer in (proposed, declined):
        await world.start(customer)
    await decide(world, declined, "mike", verdict=Verdict.DECLINE)
    await world.in_status(declined, "declined")
    for customer in (proposed, declined):
        with pytest.raises(NothingToDecideError, match="no approval stands"):
            await world.operations.undo(customer, actor="mike", reason="?")


async def test_who_asked_for_a_release_may_be_barred_from_approving_it(world: World) -> None:
    """Four eyes look at who asked for what is proposed: who asked for the hold may approve its release."""
    customer = world.customer()
    await in_force(world, customer)
    world.set_policy(bar_self_approval=True)
    await world.operations.request_release(customer, reason="they paid", actor="mike")

    with pytest.raises(SelfApprovalError, match="mike asked for this release"):
        await decide(world, customer, "mike")

    await world.operations.release_claim((await world.operations.claim(customer, actor="mike"))[0].id, actor="mike")
    await decide(world, customer, "robin")  # who asked for the hold
    await world.in_status(customer, "released")


async def test_a_release_that_is_open_again_is_still_somebody_elses_to_approve(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    world.set_policy(bar_self_approval=True, approval_undo="PT1H")
    await world.operations.request_release(customer, reason="they paid", actor="mike")
    await decide(world, customer, "ann")
    reopened = await world.operations.undo(customer, actor="ann", reason="wrong customer")
    assert reopened.status == "in_force", "what is open again is the release, not the hold"

    with pytest.raises(SelfApprovalError, match="mike asked for this release"):
        await decide(world, customer, "mike")


async def test_an_override_is_asked_for_and_approved_by_two_people_where_the_policy_wants_that(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    world.set_policy(bar_self_approval=True)
    overriding = OutcomeOperations(world.engine, world.client, world.settings.task_queue)

    with pytest.raises(SelfApprovalError, match="mike asked for this release"):
        await overriding.override(customer, reason="by phone", actor="mike", is_admin=False)

    assert world.show(customer)["status"] == "in_force"
    await overriding.override(customer, reason="by phone", actor="ada", is_admin=True)
    await world.in_status(customer, "released")
