"""What somebody typed and has not sent: asked about before it is left behind, and there again after a refusal."""

import re
from datetime import timedelta

from playwright.async_api import Dialog, Page, expect
from sqlalchemy import update

from credit.permissions import Role
from db.engine import transaction
from db.models import UserSession
from tests.browser.office import PASSWORD, Office, violations
from tests.browser.test_messages import at_the_notice

TEXT = "Dear customer,\n\nplease call us about your account.\n"


async def look(office: Office, page: Page, name: str) -> None:
    """Keep pictures of a page on a desk and on a phone; it fits both, and axe finds nothing."""
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        await office.picture(page, f"{name}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.set_viewport_size({"width": 1280, "height": 900})
    assert await violations(page) == []


async def test_a_text_survives_its_claim_and_is_asked_about_before_it_is_left(office: Office) -> None:
    mike, dana = await office.sign_in("mike"), await office.sign_in("dana")
    await at_the_notice(office, mike, claim=False)
    await dana.goto(mike.url)
    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    mike.on("dialog", stay)
    await mike.get_by_label("Text", exact=True).fill(TEXT)
    await dana.get_by_label("Text", exact=True).fill("Dana wrote this.")

    await mike.get_by_role("button", name="Claim to review").click()
    await expect(mike.get_by_text("Your text is not saved yet")).to_be_visible()
    await expect(mike.get_by_label("Text", exact=True)).to_have_value(TEXT)
    assert asked == [], "it came along"
    await look(office, mike, "claimed")

    await mike.get_by_role("link", name="hold", exact=True).click()
    await mike.get_by_role("button", name="Give back undecided").click()
    await expect(mike.get_by_label("Text", exact=True)).to_have_value(TEXT)
    assert asked == ["beforeunload", "confirm"]

    await dana.get_by_role("button", name=re.compile("^Save as")).click()
    await expect(dana.get_by_role("heading", name="What you typed")).to_be_visible()
    await expect(dana.get_by_label("Body")).to_have_value("Dana wrote this.")
    await look(office, dana, "claimed-by-another")

    await mike.get_by_role("button", name=re.compile("^Save as")).click()
    await expect(mike.get_by_text("Saved as a new revision")).to_be_visible()
    await mike.get_by_role("link", name="hold", exact=True).click()
    await expect(mike.get_by_text("has not been told")).to_be_visible()
    assert asked == ["beforeunload", "confirm"], "what was saved is not asked about"
    await look(office, mike, "not-told")


async def test_a_reason_survives_a_session_and_a_limit(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in(role=Role.APPROVER)
    await page.goto(f"/holds/{office.world.show(customer)['id']}")
    await page.get_by_role("button", name="Claim to decide").click()
    await page.get_by_label("Reason").evaluate("one => one.removeAttribute('maxlength')")
    await page.get_by_label("Reason").fill("too long " * 230)
    await page.get_by_role("button", name="Approve…").click()
    await expect(page.get_by_text("2,070 characters; 2,000 at most").first).to_be_visible()
    await expect(page.get_by_label("Reason")).to_have_value("too long " * 230)
    await look(office, page, "too-long")

    await page.get_by_label("Reason").fill("no payment in sight")
    with transaction(office.world.engine) as session:
        session.execute(update(UserSession).values(revoked_at=UserSession.created_at))
    await page.get_by_role("button", name="Approve…").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await look(office, page, "signed-out")
    await page.get_by_label("Login").fill("mike")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("You are signed in again")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_have_value("no payment in sight")
    await look(office, page, "signed-in-again")

    await office.world.start(customer, reason="second call: they are insolvent")
    await page.get_by_role("button", name="Approve…").click()
    await look(office, page, "said-since")
    await page.get_by_role("button", name="Approve…").click()
    await expect(page.get_by_text("All tariffs are blocked at once")).to_be_visible()
    await look(office, page, "confirm")
    await page.get_by_role("button", name=re.compile("^Approve the hold")).click()
    await expect(page.locator("#status")).to_contain_text("in force")


async def test_a_page_that_moves_keeps_what_is_being_typed(office: Office) -> None:
    office.world.set_policy(approval_undo=timedelta(hours=1))
    customer = await office.proposed()
    await office.world.approve(customer)
    page = await office.sign_in()
    await page.goto(f"/holds/{office.world.show(customer)['id']}")
    await page.get_by_label("Why take it back?").fill("they paid")
    await office.world.start(customer, reason="second call: they are insolvent")
    await expect(page.locator(".timeline")).to_contain_text("second call: they are insolvent")
    await expect(page.get_by_label("Why take it back?")).to_have_value("they paid")
