"""One decision per proposal, by the holder of its claim, on the revision that was shown; else nothing is written."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from credit.states import Verdict
from db.act import Act
from db.engine import transaction
from db.errors import ClaimLostError, NothingToDecideError, StaleRevisionError, UnknownHoldError
from db.holds import decisions, holds
from db.models import Decision
from tests.holds.helpers import all_done, holds_of, rows
from tests.netsuite.sandbox_server import all_at_once
from tests.world import World


@pytest.fixture
async def proposed(world: World) -> str:
    customer = world.customer()
    await world.start(customer)
    return customer


async def approve(world: World, customer: str, **how: Any) -> None:
    values = {"verdict": Verdict.APPROVE, "reason": "as discussed", "actor": "mike", "revision": 1}
    await world.operations.decide(customer, **(values | how))


async def nothing_was_decided(world: World, customer: str) -> None:
    """Everything is as before, and the proposal can still be decided."""
    [hold] = holds_of(world, customer)
    assert rows(world, select(Decision).where(Decision.hold_id == hold.id)) == []
    shown = world.show(customer)
    assert (shown["status"], shown["proposal"]["status"]) == ("proposed", "open")
    assert not {"proposal_approved", "proposal_declined"} & set(world.audit(customer))


async def test_decision_with_the_claim_of_another_is_refused(world: World, proposed: str) -> None:
    claim, _ = await world.operations.claim(proposed, actor="anna")

    with pytest.raises(ClaimLostError, match="it is anna's"):
        await approve(world, proposed, claim_id=claim.id)

    await nothing_was_decided(world, proposed)


async def test_decision_with_an_expired_claim_is_refused(world: World, proposed: str) -> None:
    world.set_policy(claim_lease=timedelta(milliseconds=1))
    claim, _ = await world.operations.claim(proposed, actor="mike")

    with pytest.raises(ClaimLostError, match="lease has ended"):
        await approve(world, proposed, claim_id=claim.id)

    await nothing_was_decided(world, proposed)


async def test_decision_with_a_claim_given_back_is_refused(world: World, proposed: str) -> None:
    claim, _ = await world.operations.claim(proposed, actor="mike")
    await world.operations.release_claim(claim.id, actor="mike")

    with pytest.raises(ClaimLostError, match="lease has ended"):
        await approve(world, proposed, claim_id=claim.id)

    await nothing_was_decided(world, proposed)


async def test_decision_with_an_invented_claim_is_refused(world: World, proposed: str) -> None:
    with pytest.raises(ClaimLostError):
        await approve(world, proposed, claim_id=uuid4())

    await nothing_was_decided(world, proposed)


async def test_decision_with_the_claim_on_another_hold_is_refused(world: World, proposed: str) -> None:
    other = world.customer()
    await world.start(other)
    claim, _ = await world.operations.claim(other, actor="mike")

    with pytest.raises(ClaimLostError, match="not a claim on this proposal"):
        await approve(world, proposed, claim_id=claim.id)

    await nothing_was_decided(world, proposed)


@pytest.mark.parametrize("revision", [0, 2])
async def test_decision_on_another_revision_is_refused(world: World, proposed: str, revision: int) -> None:
    claim, _ = await world.operations.claim(proposed, actor="mike")

    with pytest.raises(StaleRevisionError) as caught:
        await approve(world, proposed, claim_id=claim.id, revision=revision)

    assert (caught.value.shown, caught.value.current) == (revision, 1)
    await nothing_was_decided(world, proposed)


async def test_decision_about_nobody_is_refused(world: World) -> None:
    with pytest.raises(UnknownHoldError):
        await approve(world, "nobody", claim_id=uuid4())


@pytest.mark.parametrize("second", list(Verdict))
async def test_second_decision_is_refused(world: World, proposed: str, second: Verdict) -> None:
    claim, _ = await world.operations.claim(proposed, actor="mike")
    await approve(world, proposed, claim_id=claim.id)

    with pytest.raises(NothingToDecideError):
        await approve(world, proposed, claim_id=claim.id, verdict=second)

    await all_done(world, proposed)
    [decision] = rows(world, select(Decision))
    assert (decision.verdict, decision.outcome) == ("approve", "approved")


async def test_fifty_racing_approvals_of_one_claim_make_one_decision(world: World, proposed: str) -> None:
    claim, _ = await world.operations.claim(proposed, actor="mike")

    def decide(number: int) -> Decision:
        with transaction(world.engine) as session:
            return decisions.decide(
                Act(session, "mike", datetime.now(UTC)),
                holds.find(session, proposed),
                claim_id=claim.id,
                revision=1,
                verdict=Verdict.DECLINE if number % 2 else Verdict.APPROVE,
                reason=str(number),
            )

    outcomes = all_at_once(50, decide)

    assert Counter(type(outcome) for outcome in outcomes) == {Decision: 1, NothingToDecideError: 49}
    [kept] = rows(world, select(Decision))
    assert kept.id == next(outcome.id for outcome in outcomes if isinstance(outcome, Decision))
