"""A page that is left open says what a reload would say, and leaves alone who is writing on it."""

import re
from datetime import timedelta

from playwright.async_api import Page, expect

from credit.permissions import Role
from tests.browser.office import Office, decide, keep_still, open_hold, violations
from tests.drift.helpers import check, says
from tests.holds.helpers import in_force

SAID = """() => {
    const main = document.getElementById("main").cloneNode(true);
    for (const one of main.querySelectorAll("time[data-since], time[data-until], #flash")) one.remove();
    return main.textContent.trim().replace(/\\s+/g, " ");
}"""
"""What a page says, but for running clocks and what it says once."""


async def same_as_a_reload(page: Page, *, within: float = 30_000) -> None:
    """Wait until an open page says what a fresh look at its address says."""
    fresh = await page.context.new_page()
    try:
        for _ in range(int(within / 500)):
            await fresh.goto(page.url)
            shown, wanted = await page.evaluate(SAID), await fresh.evaluate(SAID)
            if shown == wanted:
                return
            await page.wait_for_timeout(500)
        assert shown == wanted
    finally:
        await fresh.close()


async def test_a_watched_hold_says_what_a_reload_would_say(office: Office) -> None:
    customer = await office.proposed()
    world = office.world
    mike, dana = await office.sign_in("mike"), await office.sign_in("dana")
    await open_hold(dana, world, customer)
    await open_hold(mike, world, customer)

    await decide(mike, "Approve")
    await world.in_status(customer, "in_force")
    for page in (mike, dana):
        await expect(page.get_by_role("heading", name="While it is in force")).to_be_visible()
        await expect(page.get_by_role("button", name="Propose release")).to_be_visible()
        await expect(page.get_by_text("being applied")).to_have_count(0)
        await same_as_a_reload(page)
    assert await violations(dana) == []
    await office.picture(dana, "in-force")

    await world.operations.request_release(customer, reason="they paid by cheque", actor="rosa")
    await expect(dana.get_by_role("heading", name="Decide the release")).to_be_visible()
    await same_as_a_reload(dana)
    await world.approve(customer)
    await world.in_status(customer, "released")
    await expect(dana.locator("h1")).to_contain_text("released")
    await same_as_a_reload(dana)


async def test_who_writes_is_left_alone_and_told(office: Office) -> None:
    world = office.world
    world.set_policy(notice_cooling_off=timedelta(hours=1))
    customer = world.customer()
    await in_force(world, customer)
    page = await office.sign_in(viewport={"width": 1280, "height": 500})
    await page.goto(f"/holds/{customer}")
    reason = page.get_by_label("Why should it end?")
    await reason.fill("they have paid all of it")
    await reason.evaluate("one => one.setSelectionRange(5, 9)")
    await page.get_by_role("heading", name="Timeline").scroll_into_view_if_needed()
    await page.evaluate("window.kept = document.activeElement; window.at = kept.getBoundingClientRect().top")

    await world.operations.request_release(customer, reason="a cheque came", actor="rosa")
    await expect(page.locator("h1")).to_contain_text("release proposed")
    await expect(page.locator(".timeline").last).to_contain_text("a cheque came")

    kept = await page.evaluate(
        "[kept === document.activeElement, kept.value, kept.selectionStart, kept.selectionEnd, kept.isConnected]"
    )
    assert kept == [True, "they have paid all of it", 5, 9, True]
    await expect(page.locator("#connection")).to_contain_text("This has changed since you began here")
    await office.picture(page, "kept")
    assert await violations(page) == []


async def test_what_is_decided_is_what_was_claimed_and_why_something_was_refused_stays(office: Office) -> None:
    customer = await office.proposed()
    page, dana = await office.sign_in(), await office.sign_in("dana")
    await open_hold(page, office.world, customer)
    await open_hold(dana, office.world, customer)
    await keep_still(dana)
    await page.get_by_role("button", name="Claim to decide").click()
    await expect(page.get_by_text("claimed by you")).to_be_visible()
    await dana.get_by_role("button", name="Claim to decide").click()
    await expect(dana.get_by_role("alert")).to_contain_text("Claimed by mike")
    await dana.unroute_all()
    await office.world.start(customer, reason="second call: they are insolvent")
    await expect(dana.locator(".timeline")).to_contain_text("second call: they are insolvent")
    await expect(dana.get_by_role("alert")).to_contain_text("Claimed by mike")
    await expect(page.locator(".timeline")).to_contain_text("second call: they are insolvent")
    await expect(page.locator("#connection")).to_contain_text("This has changed since you began here")
    await page.get_by_label("Reason").fill("no payment in sight")
    await page.get_by_role("button", name="Approve…").click()
    await expect(page.get_by_role("heading", name="Said since the page you sent")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_have_value("no payment in sight")
    await page.get_by_role("button", name="Approve…").click()
    await page.get_by_role("button", name=re.compile("^Approve the hold")).click()
    await office.world.in_status(customer, "in_force")


async def test_a_watched_message_customer_and_difference_say_what_a_reload_would_say(office: Office) -> None:
    world = office.world
    world.set_policy(notice_cooling_off=timedelta(seconds=3))
    customer, other = world.customer(), world.customer()
    ada = await office.sign_in("ada", Role.ADMIN)
    watched = await ada.context.new_page()
    await watched.goto(f"/customers/{customer}")
    await in_force(world, customer)
    await in_force(world, other)
    [notice] = [one for one in world.show(customer)["messages"] if one["kind"] == "customer_notice"]
    await ada.goto(f"/messages/{notice['id']}")
    dana = await office.sign_in("dana")
    await dana.goto(f"/messages/{notice['id']}")
    differences = await dana.context.new_page()
    await differences.goto("/drift")

    await dana.get_by_role("button", name="Claim to review").click()
    await dana.get_by_role("button", name="Approve revision 1…").click()
    await dana.get_by_role("button", name=re.compile("^Approve")).click()
    for page in (ada, dana):
        await expect(page.locator("h1")).to_contain_text("sent")
        await expect(page.get_by_text("cooling-off ends")).to_have_count(0)
        await same_as_a_reload(page)
    says(world, other, "OFF")
    await check(world)
    await expect(differences.locator(".drift")).to_contain_text(world.customer_row(other).name)
    await same_as_a_reload(differences)
    await same_as_a_reload(watched)
