"""What we compose of an event never refuses the event: a payment of four hundred invoices is taken like any other."""

from datetime import UTC, datetime, timedelta

import pytest

from credit import composed
from credit.audit_entries.receivables import PaymentReceived
from credit.states import ReleaseCause
from credit.triggers import TriggerKind
from db import policies
from db.act import Act
from db.engine import transaction
from db.holds import holds
from db.models import InboundEvent
from services.receivables.taking import Taking
from tests.events.conftest import Outside, payment
from tests.holds.helpers import in_force
from tests.outcomes.rows import held
from tests.world import World, invoice
from workflows.contract import FactsChangedSignal, ReleaseSignal, TriggerSignal

CARRIED = {"trigger": TriggerSignal, "request_release": ReleaseSignal, "facts_changed": FactsChangedSignal}


async def test_one_payment_of_four_hundred_invoices_is_taken_and_proposes_the_release(outside: Outside) -> None:
    world = outside.world
    customer = world.customer(amount="40000.00")
    due = datetime.now(UTC).date() - timedelta(days=100)
    with transaction(world.engine) as session:
        session.add_all(invoice(f"INV-2026-{number:06}", customer, due, "1000.55") for number in range(400))
    await in_force(world, customer)

    taken = await outside.taken("payment", payment(customer, "440220.00"))

    assert set(outside.open_amounts(customer)) == {"0.00"}
    assert "… and 391 more invoices" in taken["why"]
    await world.eventually(lambda: world.show(customer)["proposal"]["kind"] == "release")
    assert world.show(customer)["proposal"]["status"] == "open"


@pytest.mark.parametrize("length", [1, 9_999, 10_000, 10_001, 200_000])
async def test_whatever_an_event_has_to_say_fits_what_carries_it(idle_world: World, length: int) -> None:
    now, said = datetime.now(UTC), "x" * length
    with transaction(idle_world.engine) as session:
        it = held(session)
        event = InboundEvent(source="erp", id="1", kind="payment", customer_id=it.customer, payload={}, received_at=now)
        _, policy = policies.current(session)
        taking = Taking(Act(session, event.source, now), event, holds.lock(session, it.hold_id), policy)
        taking.note(PaymentReceived, said)
        taking.facts_changed()
        taking.trigger(TriggerKind.REPEATED_DISPUTES, f"again: {said}")
        taking.request_release(ReleaseCause.DISPUTE, f"lift it? {said}")
    assert len(taking.tell) == 3
    for one in taking.tell:
        CARRIED[one["signal"]].model_validate(one["payload"])


def test_a_text_is_whole_or_says_that_it_was_cut() -> None:
    assert composed.reason("short") == "short"
    cut = composed.reason("y" * 10_001)
    assert (len(cut), cut[-2:]) == (10_000, "y…")
    assert composed.some(["a"] * 11, "invoices") == ["a"] * 11
    assert composed.some(["a"] * 12, "invoices") == ["a"] * 10 + ["… and 2 more invoices"]


def test_an_id_is_the_parts_themselves_or_ends_with_their_digest() -> None:
    assert composed.identity("ar", 7, "C1") == "ar/7/C1"
    long = {composed.identity("ar", "7", "C" * 300 + str(number)) for number in range(50)}
    assert len(long) == 50
    assert {len(one) for one in long} == {200}
    assert composed.identity("ar", "7", "C" * 300) == composed.identity("ar", "7", "C" * 300)
