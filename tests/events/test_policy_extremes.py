"""The widest and the narrowest policy that may be typed lets everything go on."""

from datetime import UTC, date, datetime, timedelta

import pytest

from credit.calendar import Calendar
from credit.policy import Policy
from credit.setting import settings_of
from db import policies
from db.engine import transaction
from db.receivables import receivables
from tests.events.conftest import Outside, dispute

NUMBERS = [one for one in settings_of(Policy).values() if one.unit.is_number]


@pytest.mark.parametrize("extreme", ["least", "most"])
async def test_with_the_extremes_everything_goes_on(outside: Outside, extreme: str) -> None:
    """A scan, an event, an open hold and a claim, with every number at its bound and one working day in a week."""
    world = outside.world
    bounds = {one.name: one.at(getattr(one, extreme)) for one in NUMBERS}
    bounds["proposal_expires_after"] = max(bounds["proposal_expires_after"], timedelta(hours=1))  # it is claimed before
    world.set_policy(**bounds, count_business_days=True, calendar=Calendar(working_days=frozenset({2})))
    customer = world.customer()
    await outside.taken("dispute", dispute(customer, outside.an_invoice(customer)))
    with transaction(world.engine) as session:
        receivables.candidates(session, date(2027, 1, 1), policies.current(session)[1], now=datetime.now(UTC), limit=9)
    await world.start(customer)
    claim, _ = await world.operations.claim(customer, actor="mike")
    assert claim.expires_at > claim.claimed_at
