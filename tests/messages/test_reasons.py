"""The sales rep reads why the customer is on hold, and later why it is on hold no more."""

from datetime import UTC, datetime

import pytest

from activities.messages import _context
from credit.states import PLACING, RELEASING, Beat, Verdict
from db.engine import transaction
from db.holds import holds
from tests.notifications.helpers import decide
from tests.notifications.test_words import PLACE, RELEASE, WHY, for_release
from tests.world import World
from workflows.signatures import RunBeat


@pytest.mark.parametrize("beat", list(Beat))
def test_a_message_gives_the_reason_of_what_it_tells_of(idle_world: World, beat: Beat) -> None:
    world = idle_world
    hold_id = for_release(world, world.customer(in_netsuite=False))
    if beat in RELEASING:
        assert decide(world, hold_id, Verdict.APPROVE) == "approved"

    with transaction(world.engine) as session:
        order = RunBeat(hold_id=hold_id, beat=beat, now=datetime.now(UTC))
        context = _context(session, holds.lock(session, hold_id), order)

    assert context.reason == WHY[RELEASE if beat in RELEASING else PLACE]
    assert (beat in PLACING) is (beat not in RELEASING)
