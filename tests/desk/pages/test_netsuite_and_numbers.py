"""The pages about NetSuite's differences, the report, and a customer's exemption, promises and risk."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from credit.events import EventKind, EventOutcome
from credit.health import Risk
from credit.permissions import Role
from db.engine import transaction
from db.receivables import events, payment_plans, promises
from tests.desk.pages.conftest import Sit
from tests.drift.helpers import asked, check, listed, released, says, written
from tests.holds.helpers import in_force
from tests.world import World

NOW = datetime.now(UTC)
LATER = (NOW + timedelta(days=30)).date()


async def test_a_difference_is_found_shown_and_decided(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    says(world, customer, "OFF")
    mike = sit(name="mike")
    assert "No check has run yet" in (await mike.get("/drift")).text
    page = await mike.send(await mike.get("/drift"), "Check now")
    assert "NetSuite says OFF , wanted is ON" in page.text
    await asked(world, customer)
    page = await mike.get(page.links["Decide on the hold’s page"])
    assert "NetSuite says OFF where ON is wanted" in page.text
    page = await mike.send(page, "Claim to decide")
    page = await mike.send(page, "Approve…", reason="somebody slipped")
    assert "Approve this repair?" in page.text
    assert "NetSuite is written again: ON instead of OFF" in page.text
    page = await mike.send(page, "Approve the repair")
    assert "Approved. NetSuite is being written again." in page.text
    await world.eventually(lambda: written(world, customer) == ["ON", "ON"])

    await released(world, customer)
    says(world, customer, "OFF")
    await check(world)
    page = await mike.send(await mike.get("/drift"), "Accept OFF", 422)
    assert "say why" in page.text.lower()
    for role in (Role.VIEWER, Role.REQUESTER):
        assert not (await sit(role).get("/drift")).offers("Accept OFF")
        answer = await sit(role).http.post(f"/drift/{customer}/accept", data={"reason": "x"})
        assert answer.status_code == 403
        assert (await sit(role).http.post(f"/drift/{customer}/repair", data={"reason": "x"})).status_code == 403
    page = await mike.send(page, "Write AUTO again", reason="it was AUTO")
    assert "NetSuite is being written again." in page.text
    await world.eventually(lambda: written(world, customer)[-1] == "AUTO")
    assert listed(world, customer) == []


async def test_a_hold_of_netsuite_is_adopted(world: World, sit: Sit) -> None:
    customer = world.customer()
    says(world, customer, "ON")
    await check(world)
    viewer, rosa = sit(Role.VIEWER), sit(Role.REQUESTER, "rosa")
    page = await viewer.get("/drift")
    assert world.customer_row(customer).name in page.links
    assert not page.offers("Propose a hold for it")
    for action in (f"/drift/{customer}/adopt", "/drift/check"):
        assert (await viewer.http.post(action, data={"reason": "x"})).status_code == 403
    page = await rosa.send(await rosa.get("/drift"), "Propose a hold for it", reason="since last year")
    assert "adopted from NetSuite: since last year" in page.text
    assert "rosa adopted NetSuite’s hold; its release will write AUTO" in page.text


async def test_the_report_shows_what_happened_and_says_it_without_pictures(world: World, sit: Sit) -> None:
    declined = world.customer()
    await world.start(declined)
    await world.decline(declined)
    await world.in_status(declined, "declined")
    viewer = sit(Role.VIEWER)
    page = await viewer.get((await viewer.get("/")).links["Report"])
    week = NOW.date() - timedelta(days=NOW.weekday())
    labels = [given["aria-label"] for tag, given in page.elements if tag == "svg"]
    assert f"Proposed by week: the most, 1 hold, in the week of {week}." in labels
    assert f"Decided by week: the most, 1 hold, in the week of {week}." in labels
    assert "Released by week: nothing happened." in labels
    assert "Declined 100 % 1 100 % 1" in page.text
    assert "Proposed, by trigger By hand: 1 By hand: 1" in page.text
    page = await viewer.send(page, "Show", first="2020-01-01", last="2020-01-31")
    assert "2020-01-01 to 2020-01-31" in page.text
    assert "Declined none 0 100 % 1" in page.text
    for first in ("2027-99-99", "2999-01-01"):
        page = await viewer.get("/report", 422, first=first, last="2020-01-31")
        assert "This is the usual period." in page.text


async def test_a_customer_is_exempted_and_not_any_more(world: World, sit: Sit) -> None:
    customer = world.customer()
    ada, mike, address = sit(Role.ADMIN, "ada"), sit(name="mike"), f"/customers/{customer}"
    page = await ada.send(await ada.get(address), "Exempt", 422, reason="a bank guarantee")
    assert "name the last day" in page.text.lower()
    assert page.form_with("Exempt").fields["reason"] == "a bank guarantee"
    page = await ada.send(page, "Exempt", until=LATER.isoformat(), owner="olga")
    assert f"No automatic hold until {LATER} : a bank guarantee olga answers for it" in page.text
    page = await mike.get(address)
    assert "a bank guarantee" in page.text
    assert not page.offers("End the exemption")
    for action in ("exemption", "exemption/end"):
        assert (await mike.http.post(f"{address}/{action}", data={"reason": "x"})).status_code == 403
    page = await ada.send(await ada.get(address), "End the exemption", 422)
    assert "say why" in page.text.lower()
    page = await ada.send(page, "End the exemption", reason="the guarantee is over")
    assert "None: automatic holds are possible." in page.text


async def test_a_customer_page_shows_promises_plan_and_predicted_risk(idle_world: World, sit: Sit) -> None:
    customer = idle_world.customer()
    with transaction(idle_world.engine) as session:
        made: dict[str, Any] = {"customer_id": customer, "at": NOW}
        promises.make(session, hold_id=None, amount=Decimal(700), promised_for=LATER, made_by="Ann", **made)
        payment_plans.agree(session, note="in two parts", instalments=[(LATER, Decimal(300))], **made)
        source = {"source": "scoring", "event_id": str(uuid4())}
        event, _ = events.take(
            session, kind=EventKind.HEALTH_PREDICTION, customer_id=customer, payload={}, now=NOW, **source
        )
        events.record_risk(
            session,
            event,
            risk=Risk.HIGH,
            score=Decimal("0.91"),
            model="m-7",
            reason="pays later each month",
            predicted_at=NOW,
            disputes_before=0,
            proposed=False,
        )
        event.outcome = EventOutcome.RECORDED
    page = await sit(Role.VIEWER).get(f"/customers/{customer}")
    assert f"700.00 USD by {LATER} open Ann" in page.text
    assert f"300.00 USD by {LATER} to come" in page.text
    for words in ("m-7, 91 %: pays later each month", "recorded only; 0 disputes before"):
        assert words in page.text
