"""To decide, a person first claims: one winner whoever races, with a lease (service-hold spec, R560)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from db.act import Act
from db.engine import transaction
from db.errors import ClaimedByAnotherError, NothingToDecideError
from db.holds import decisions, holds
from db.models import Claim
from tests.holds.helpers import events, holds_of, rows
from tests.netsuite.sandbox_server import all_at_once
from tests.world import World


@pytest.fixture
async def proposed(world: World) -> str:
    customer = world.customer()
    await world.start(customer)
    return customer


def claim(world: World, customer: str, actor: str, later: timedelta = timedelta(0)) -> Claim:
    """Claim in a real transaction, `later` from now."""
    with transaction(world.engine) as session:
        return decisions.claim(Act(session, actor, datetime.now(UTC) + later), holds.find(session, customer))[0]


def live_claims(world: World) -> int:
    [count] = rows(world, select(func.count()).select_from(Claim).where(Claim.released_at.is_(None)))
    return int(count)


async def test_of_fifty_racing_claims_one_wins(world: World, proposed: str) -> None:
    outcomes = all_at_once(50, lambda number: claim(world, proposed, f"approver-{number}"))

    assert Counter(type(outcome) for outcome in outcomes) == {Claim: 1, ClaimedByAnotherError: 49}
    winner = next(outcome.holder for outcome in outcomes if isinstance(outcome, Claim))
    assert {outcome.holder for outcome in outcomes} == {winner}
    assert live_claims(world) == 1
    assert len(events(world, holds_of(world, proposed)[0].id, "proposal_claimed")) == 1


async def test_of_fifty_racing_claims_on_a_lease_that_ended_one_wins(world: World, proposed: str) -> None:
    claim(world, proposed, "mike")

    outcomes = all_at_once(50, lambda number: claim(world, proposed, f"approver-{number}", timedelta(hours=1)))

    assert Counter(type(outcome) for outcome in outcomes) == {Claim: 1, ClaimedByAnotherError: 49}
    assert live_claims(world) == 1


async def test_live_claim_keeps_others_out_and_says_who_and_until_when(world: World, proposed: str) -> None:
    world.set_policy(claim_lease=timedelta(minutes=10))
    held = claim(world, proposed, "mike")

    with pytest.raises(ClaimedByAnotherError, match="mike") as caught:
        await world.operations.claim(proposed, actor="anna")

    assert caught.value.until == held.expires_at
    shown = world.show(proposed)["proposal"]
    assert shown["claimed_by"] == "mike"


async def test_lease_that_ended_lets_another_in(world: World, proposed: str) -> None:
    world.set_policy(claim_lease=timedelta(minutes=10))
    first = claim(world, proposed, "mike")

    second = claim(world, proposed, "anna", timedelta(minutes=10))

    assert (second.holder, second.id != first.id) == ("anna", True)


async def test_claiming_again_renews_the_lease(world: World, proposed: str) -> None:
    world.set_policy(claim_lease=timedelta(minutes=10))
    first = claim(world, proposed, "mike")
    renewed = claim(world, proposed, "mike", timedelta(minutes=9))

    assert renewed.id == first.id
    with pytest.raises(ClaimedByAnotherError):
        claim(world, proposed, "anna", timedelta(minutes=18))
    assert claim(world, proposed, "anna", timedelta(minutes=20)).holder == "anna"


async def test_claim_given_back_lets_another_in_at_once(world: World, proposed: str) -> None:
    held, _ = await world.operations.claim(proposed, actor="mike")

    await world.operations.release_claim(held.id, actor="mike")

    assert claim(world, proposed, "anna").holder == "anna"


async def test_nobody_can_give_back_the_claim_of_another(world: World, proposed: str) -> None:
    held, _ = await world.operations.claim(proposed, actor="mike")

    await world.operations.release_claim(held.id, actor="anna")

    with pytest.raises(ClaimedByAnotherError):
        claim(world, proposed, "anna")


async def test_settled_proposal_cannot_be_claimed(world: World, proposed: str) -> None:
    await world.decline(proposed)

    with pytest.raises(NothingToDecideError):
        await world.operations.claim(proposed, actor="anna")
