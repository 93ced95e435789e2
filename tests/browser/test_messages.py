"""A person polishes a notice and sends it, recalls it, or finds that somebody else was faster."""

import re
from datetime import timedelta

from playwright.async_api import Page, expect

from tests.browser.office import Office
from tests.holds.helpers import in_force


async def at_the_notice(office: Office, page: Page, *, claim: bool = True) -> str:
    """A hold in force and its notice on the screen; returns the customer."""
    customer = office.world.customer()
    await in_force(office.world, customer)
    await page.goto(f"/holds/{office.world.show(customer)['id']}")
    await page.get_by_role("link", name="Customer’s notice").click()
    if claim:
        await page.get_by_role("button", name="Claim to review").click()
        await expect(page.get_by_text("claimed by you")).to_be_visible()
    return customer


async def approve(page: Page) -> None:
    await page.get_by_role("button", name=re.compile(r"^Approve revision \d+…")).click()
    await page.get_by_role("button", name=re.compile(r"^Approve revision \d+ to")).click()


def notice_of(office: Office, customer: str) -> dict[str, object]:
    return next(one for one in office.world.show(customer)["messages"] if one["kind"] == "customer_notice")


async def test_edit_approve_and_send_a_notice(office: Office) -> None:
    office.world.set_policy(notice_cooling_off=timedelta(seconds=1))
    page = await office.sign_in()
    customer = await at_the_notice(office, page)
    await page.get_by_label("Text", exact=True).fill("Dear customer,\n\nplease **call us** about your account.\n")
    await page.get_by_role("button", name=re.compile("^Save")).click()
    await expect(page.get_by_role("heading", name=re.compile("[Dd]ifference|[Cc]hanged")).first).to_be_visible()
    await office.picture(page, "edited")

    await approve(page)

    await expect(page.locator("#status")).to_contain_text("sent")
    await office.picture(page, "sent")
    [mail] = office.sink.mails(str(notice_of(office, customer)["recipient"]))
    assert "call us" in mail.get_body(("plain",)).get_content()


async def test_recall_within_the_cooling_off(office: Office) -> None:
    office.world.set_policy(notice_cooling_off=timedelta(minutes=10))
    page = await office.sign_in()
    customer = await at_the_notice(office, page)
    await approve(page)
    await expect(page.get_by_text("Until then it can be recalled")).to_be_visible()
    await office.picture(page, "cooling-off")

    await page.get_by_role("button", name="Recall").click()

    await expect(page.locator("#status")).to_contain_text("pending review")
    assert notice_of(office, customer)["status"] == "pending_review"
    assert office.sink.mails(str(notice_of(office, customer)["recipient"])) == []


async def test_discard(office: Office) -> None:
    page = await office.sign_in()
    customer = await at_the_notice(office, page)
    await page.get_by_label("Reason").fill("we called them")
    await page.get_by_role("button", name="Discard…").click()
    await page.get_by_role("button", name=re.compile(r"^Discard revision")).click()

    await expect(page.locator("#status")).to_contain_text("discarded")
    assert notice_of(office, customer)["status"] == "discarded"


async def test_what_was_typed_and_not_saved_is_not_approved(office: Office) -> None:
    page = await office.sign_in()
    customer = await at_the_notice(office, page)
    await page.get_by_label("Subject").fill("Something else")

    await page.get_by_role("button", name=re.compile(r"^Approve revision \d+…")).click()

    await expect(page.get_by_text("Your changes are not saved").first).to_be_visible()
    assert notice_of(office, customer)["status"] == "pending_review"


async def test_somebody_else_has_the_claim(office: Office) -> None:
    mike, anna = await office.sign_in("mike"), await office.sign_in("anna")
    customer = await at_the_notice(office, mike)
    await anna.goto(mike.url)

    await expect(anna.get_by_text("mike has claimed it")).to_be_visible()
    await expect(anna.get_by_role("button", name="Claim to review")).to_have_count(0)
    assert notice_of(office, customer)["status"] == "pending_review"
