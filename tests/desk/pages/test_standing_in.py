"""Standing in for somebody, as the page of a hold shows it: who is barred, and on whose behalf it was done."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from credit.permissions import Role
from tests.deadlines.helpers import away, back
from tests.desk.pages.conftest import Sit
from tests.holds.helpers import in_force
from tests.notifications.helpers import person
from tests.world import World

LATER = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def people(world: World) -> None:
    for login, role in {"anna": "approver", "bob": "approver", "rita": "requester", "dana": "viewer"}.items():
        person(world, login, role)


async def test_who_stands_in_for_the_one_who_asked_is_offered_no_approval(world: World, sit: Sit) -> None:
    people(world)
    world.set_policy(bar_self_approval=True)
    absence = away(world, "rita", "bob")
    customer = world.customer(in_netsuite=False)
    await world.operations.start_hold(customer, reason="trouble", actor="rita")
    bob = sit(name="bob")
    page = await bob.send(await bob.get(f"/holds/{customer}"), "Claim to decide")
    assert "rita, for whom you stand in, asked for this hold, and the policy wants somebody else" in page.text
    assert not page.offers("Approve…")
    back(world, absence)
    page = await bob.get(f"/holds/{customer}")
    assert page.offers("Approve…")


async def test_the_absent_person_and_the_delegate_are_offered_one_approval(world: World, sit: Sit) -> None:
    people(world)
    world.set_policy(second_approver_above=Decimal(1))
    away(world, "anna", "bob")
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    bob, anna = sit(name="bob"), sit(name="anna")
    page = await bob.send(await bob.get(f"/holds/{customer}"), "Claim to decide")
    page = await bob.send(page, "Approve…", reason="seen")
    await bob.send(page, "Approve the hold of 40,000.00 USD")
    page = await anna.send(await anna.get(f"/holds/{customer}"), "Claim to decide")
    assert "bob approved this revision already, and one of you stands in for the other." in page.text
    assert not page.offers("Approve…")


async def test_what_a_delegate_sets_says_for_whom(world: World, sit: Sit) -> None:
    people(world)
    away(world, "anna", "dana")
    customer = world.customer()
    await in_force(world, customer)
    shown = world.show(customer)
    address, dana = f"/holds/{shown['id']}", sit(Role.VIEWER, "dana")
    page = await dana.get(f"{address}/change")
    page = await dana.send(
        page, "Let it through", scope="order", reference="SO-7", until=LATER, reason="prepaid in full"
    )
    assert "dana for anna let one through in spite of the hold" in page.text
    page = await dana.send(await dana.get(f"{address}/change"), "Set the dates", end_date=LATER, reason="agreed")
    assert f"dana for anna set the end date to {LATER}" in page.text
    timeline = {one["what"]: one for one in world.show(customer)["timeline"]}
    assert timeline["exception_granted"]["on_behalf_of"] == ["anna"]
    await dana.send(await dana.get(f"{address}/change"), "Lift the hold of 40,000.00 USD", reason="a deal")
    await world.in_status(shown["id"], "released")
    outcomes = {one["what"]: one for one in world.show(shown["id"])["outcomes"]}
    assert (outcomes["overridden"]["who"], outcomes["overridden"]["on_behalf_of"]) == ("dana", ["anna"])
