"""A hold's later life, from the page: released, mended, given dates and exceptions, lifted at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from credit.permissions import Role
from db.engine import transaction
from db.models import Proposal
from tests.desk.pages.conftest import Sit
from tests.holds.helpers import in_force
from tests.world import World

LATER = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def release_beat(world: World, customer: str, name: str) -> Any:
    return next((row for row in world.show(customer)["release_beats"] if row["beat"] == name), {"status": None})


async def test_a_hold_is_released_from_the_page(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    shown = world.show(customer)
    address = f"/holds/{shown['id']}"
    rosa, mike = sit(Role.REQUESTER, "rosa"), sit(name="mike")
    page = await rosa.send(await rosa.get(address), "Propose release", 422)
    assert "Reason: say why: it is kept in the record" in page.text
    [field] = [given for _, given in page.elements if given.get("aria-invalid") == "true"]
    assert field["id"] == "release-reason"
    page = await rosa.send(page, "Propose release", reason="they paid by cheque")
    assert "The release is proposed. It waits for an approver." in page.text
    assert "Why its release they paid by cheque asked for by a person, rosa" in page.text
    assert not page.offers("Propose release"), "one is proposed"

    page = await mike.get("/")
    assert "Decide release the hold" in page.text
    assert "they paid by cheque" in page.text
    page = await mike.send(await mike.get(address), "Claim to decide")
    page = await mike.send(page, "Decline…", reason="the cheque bounced")
    assert "The hold stays, with everything that it did." in page.text
    page = await mike.send(page, "Decline the release")
    assert "Declined. The hold stays." in page.text
    await world.eventually(lambda: world.show(customer)["waiting_on"] == "nobody")

    page = await rosa.send(await rosa.get(address), "Propose release", reason="now it is here")
    assert "Asked before declined" in page.text
    page = await mike.send(await mike.get(address), "Claim to decide")
    page = await mike.send(page, "Approve…", reason="seen it")
    for words in ("Approve this release?", "taken off hold", "credit hold says AUTO again", "is withdrawn"):
        assert words in page.text
    page = await mike.send(page, "Approve the release")
    assert "Approved. The customer is being taken off hold." in page.text
    await world.in_status(shown["id"], "released")
    page = await mike.get(address)
    for words in ("What the release does", "Take the customer off hold done", "Restore what NetSuite said before done"):
        assert words in page.text
    assert not page.offers("Propose release")
    await world.start(customer)
    page = await mike.get(f"/holds/{customer}")
    assert "Held before" in page.text
    assert "released: asked for by a person now it is here" in page.text, "the next proposal shows how it ended"


async def test_beats_are_stopped_tried_again_and_left_out_from_the_page(world: World, sit: Sit) -> None:
    customer = world.customer()
    world.sandbox.faults(outage=True)
    await world.start(customer)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "retrying")
    mike, address = sit(name="mike"), f"/holds/{customer}"
    link = "Leave out or stop…: Set NetSuite’s credit hold"
    page = await mike.send(await mike.get((await mike.get(address)).links[link]), "Stop trying", 422)
    assert "say why" in page.text
    page = await mike.send(page, "Stop trying", reason="their account moves today")
    assert "cancelled by mike: their account moves today" in page.text
    assert world.beat(customer, "push_netsuite")["status"] == "needs_attention"
    page = await mike.send(page, "Try again now: Set NetSuite’s credit hold")
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "retrying")
    page = await mike.send(await mike.get((await mike.get(address)).links[link]), "Leave it out", reason="by hand")
    assert "Left out. It goes on without it." in page.text
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "skipped")
    page = await mike.get(address)
    assert "mike left out setting NetSuite’s credit hold by hand" in page.text
    assert link not in page.links
    answer = await mike.ask(f"{address}/beats/push_netsuite")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}#beats")


async def test_a_release_that_asks_about_netsuite_explains_itself(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    off = {"id": f"N-{customer}", "externalId": customer, "companyName": customer, "creditHoldOverride": "OFF"}
    world.sandbox.seed([off]).raise_for_status()
    await world.operations.request_release(customer, reason="paid", actor="rosa")
    await world.approve(customer)
    await world.eventually(lambda: release_beat(world, customer, "restore_netsuite")["status"] == "needs_attention")
    mike = sit(name="mike")
    page = await mike.get(f"/holds/{customer}")
    assert "NetSuite says OFF" in page.text
    assert "Try again writes AUTO, whatever NetSuite says now. Leave out leaves NetSuite as it is" in page.text
    page = await mike.get(page.links["Leave out or stop…: Restore what NetSuite said before"])
    await mike.send(page, "Leave it out", reason="OFF is right")
    shown = await world.shown_in_status(customer, "released")
    assert shown["release_beats"][-1]["status"] == "skipped"


async def test_dates_exceptions_and_an_override(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    mike, change = sit(name="mike"), f"/holds/{customer}/change"
    page = await mike.send(await mike.get(change), "Set the dates", 422, end_date="soon", reason="agreed")
    assert "'soon' is no day" in page.text
    page = await mike.send(page, "Set the dates", end_date=LATER, review_date="", reason="agreed")
    assert f"To end on {LATER}" in page.text
    assert f"mike set the end date to {LATER}, the review date to no day agreed" in page.text
    page = await mike.send(await mike.get(change), "Let it through", 422, reference="SO-7", reason="prepaid")
    assert "name the last day" in page.text.lower()
    assert page.form_with("Let it through").fields["reference"] == "SO-7"
    page = await mike.send(page, "Let it through", reference="SO-7", until=LATER, reason="prepaid")
    assert f"Order SO-7 until {LATER} counts mike: prepaid" in page.text
    page = await mike.send(await mike.get(change), "End the exception of SO-7", reason="shipped")
    assert "over mike: prepaid; ended by mike" in page.text
    page = await mike.send(await mike.get(change), "Lift the hold of 40,000.00 USD", 422)
    assert "say why" in page.text.lower()
    page = await mike.send(page, "Lift the hold of 40,000.00 USD", reason="the owner vouches")
    assert "Lifted: its release is approved." in page.text
    await world.in_status(customer, "released")
    assert "This hold is released" in (await mike.get(change.replace(customer, world.show(customer)["id"]))).text


async def test_a_viewer_is_offered_and_allowed_nothing_of_it(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    viewer, requester = sit(Role.VIEWER), sit(Role.REQUESTER)
    page = await viewer.get(f"/holds/{customer}")
    assert [form.action for form in page.forms if form.method == "post"] == ["/sign-out"] * 2
    assert (await requester.get(f"/holds/{customer}")).offers("Propose release")
    nobody = "00000000-0000-0000-0000-000000000000"
    approvers = ["dates", "exceptions", f"exceptions/{nobody}/end", "override"]
    approvers += ["beats/push_netsuite/skip", "beats/push_netsuite/cancel"]
    for action in (*approvers, "release"):
        answer = await viewer.http.post(f"/holds/{customer}/{action}", data={"reason": "x", "scope": "order"})
        assert answer.status_code == 403, action
    for action in approvers:
        answer = await requester.http.post(f"/holds/{customer}/{action}", data={"reason": "x", "scope": "order"})
        assert answer.status_code == 403, action
    for reader in (viewer, requester):
        assert (await reader.ask(f"/holds/{customer}/change")).status_code == 403
        assert (await reader.ask(f"/holds/{customer}/beats/push_netsuite")).status_code == 403


async def test_an_escalated_proposal_is_marked_and_comes_first(world: World, sit: Sit) -> None:
    large, small = world.customer(amount="90000"), world.customer(amount="30000")
    await world.start(large)
    started = await world.start(small)
    reader = sit(Role.VIEWER)
    names = [world.customer_row(one).name for one in (large, small)]
    assert [link for link in (await reader.get("/")).links if link in names] == names
    with transaction(world.engine) as session:
        proposal = update(Proposal).where(Proposal.hold_id == started.hold_id)
        session.execute(proposal.values(escalated_at=datetime.now(UTC)))
    page = await reader.get("/")
    assert [link for link in page.links if link in names] == names[::-1]
    assert "escalated 20" in page.text
    assert "Escalated 20" in (await reader.get(f"/holds/{small}")).text
