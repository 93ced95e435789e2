"""What makes a new revision of an open proposal, and what an approver is shown."""

from uuid import uuid4

import pytest

from credit.triggers import TriggerKind
from db.engine import transaction
from db.errors import StaleRevisionError
from db.models import Hold
from tests.holds.helpers import (
    agree_plan,
    bill,
    dispute,
    events,
    facts_of,
    holds_of,
    knows,
    proposals_of,
    send,
    trigger,
    trigger_row,
)
from tests.world import World

NIGHTLY = TriggerKind.AR_AGING


@pytest.fixture
async def proposed(world: World) -> str:
    """A customer with 40,000 open, proposed by the nightly scan."""
    customer = world.customer(amount="40000")
    await world.start(customer, kind=NIGHTLY)
    return customer


async def test_repeated_nightly_trigger_is_evidence_and_no_new_revision(world: World, proposed: str) -> None:
    again = await world.start(proposed, kind=NIGHTLY)

    assert not again.created
    hold = world.show(proposed)
    assert (hold["revision"], len(hold["evidence"])) == (1, 2)
    assert "evidence_added" in world.audit(proposed)


async def test_new_kind_of_trigger_makes_a_new_revision(world: World, proposed: str) -> None:
    await world.start(proposed)

    hold = world.show(proposed)
    assert (hold["revision"], hold["triggers"]) == (2, ["ar_aging_tick_threshold", "manual"])
    assert "proposal_revised" in world.audit(proposed)


async def test_second_trigger_of_the_new_kind_makes_none(world: World, proposed: str) -> None:
    await world.start(proposed)
    await world.start(proposed)

    assert world.show(proposed)["revision"] == 2


async def test_same_trigger_delivered_twice_counts_once(world: World, proposed: str) -> None:
    manual = trigger()
    await send(world, proposed, manual)
    await world.eventually(lambda: trigger_row(world, manual.id))
    await send(world, proposed, manual)
    await world.start(proposed)  # behind both

    hold = world.show(proposed)
    assert (hold["revision"], len(hold["evidence"])) == (2, 3)


@pytest.mark.parametrize(("more", "revision"), [("4000", 1), ("4000.01", 2)])
async def test_facts_that_moved_by_more_than_the_share_make_a_new_revision(
    world: World, proposed: str, more: str, revision: int
) -> None:
    bill(world, proposed, more)

    await world.start(proposed, kind=NIGHTLY)

    assert world.show(proposed)["revision"] == revision
    [proposal] = proposals_of(world, proposed)
    assert (facts_of(proposal).total_open > 40000) is (revision == 2)


async def test_small_moves_add_up_to_a_new_revision(world: World, proposed: str) -> None:
    for _ in range(2):
        bill(world, proposed, "2500")
        await world.start(proposed, kind=NIGHTLY)

    assert world.show(proposed)["revision"] == 2


@pytest.mark.parametrize("change", [dispute, agree_plan])
async def test_new_context_makes_a_new_revision(world: World, proposed: str, change: object) -> None:
    change(world, proposed)

    await world.start(proposed, kind=NIGHTLY)

    hold = world.show(proposed)
    assert hold["revision"] == 2
    assert len(hold["warnings"]) == 1


async def test_decision_on_the_revision_before_is_refused(world: World, proposed: str) -> None:
    claim, shown = await world.operations.claim(proposed, actor="mike")
    await world.start(proposed)

    with pytest.raises(StaleRevisionError):
        await world.operations.decide(
            proposed, claim_id=claim.id, revision=shown.revision, verdict="approve", reason="", actor="mike"
        )

    assert proposals_of(world, proposed)[0].status == "open"
    await world.approve(proposed)
    await world.in_status(proposed, "in_force")


async def test_prior_holds_are_flagged_in_the_note(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    with transaction(world.engine) as session:  # as if that one had been in force and was released
        past = session.get_one(Hold, holds_of(world, customer)[0].id)
        past.status, past.in_force_at = "released", past.proposed_at

    await world.start(customer)

    hold = world.show(customer)
    assert "PRIOR HOLDS: 1" in hold["proposal"]["note"]
    assert "1 prior hold" in hold["warnings"]
    assert hold["facts"]["prior_holds"] == 1


async def test_query_and_details_show_the_newest_revision(world: World, proposed: str) -> None:
    await world.start(proposed, reason=f"a call {uuid4()}")

    state = await knows(world, proposed, lambda state: state.hold is not None and state.hold.revision == 2)
    metadata = await world.workflow(proposed).query("__temporal_workflow_metadata")

    assert state.waiting_on == "approver"
    assert "revision 2" in metadata.current_details


async def test_evidence_of_an_approved_hold_is_no_revision(world: World, proposed: str) -> None:
    await world.approve(proposed)
    await world.in_status(proposed, "in_force")
    bill(world, proposed, "40000")

    await world.start(proposed)

    [proposal] = proposals_of(world, proposed)
    assert (proposal.revision, proposal.status) == (1, "approved")
    assert len(events(world, holds_of(world, proposed)[0].id, "evidence_added")) == 1
